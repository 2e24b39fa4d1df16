/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_DROP_H
#define WEFT_DROP_H

/* What is dropped, or would be, is counted always and recorded while there is room: by who sent it, so that nobody who
 * floods hides what others do. */

#include "maps.h"
#include "packet.h"

/* Each sender may fill 16 records at once, and then ten a second. */
#define WEFT_RECORD_EVERY 100000000ULL
#define WEFT_RECORD_BURST (16 * WEFT_RECORD_EVERY)

/* Whether one more record is within the sender's share. Two processors may both take the last one; no harm done. */
static __always_inline int weft_share(struct weft_case *c, __u64 now)
{
	struct weft_bucket_key key = { .identity = c->source.identity, .attachment = c->scope };
	__u64 *until = bpf_map_lookup_elem(&buckets, &key), used;

	if (until && *until > now + WEFT_RECORD_BURST - WEFT_RECORD_EVERY)
		return 0;
	used = (until && *until > now ? *until : now) + WEFT_RECORD_EVERY;
	if (until)
		*until = used;
	else
		bpf_map_update_elem(&buckets, &key, &used, BPF_ANY);
	return 1;
}

static __always_inline int weft_record(struct __sk_buff *skb, struct weft_case *c, int reason)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct weft_packet *p = &c->packet;
	struct weft_event *event;

	if (!weft_share(c, now))
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->time = now;
	event->source = p->source;
	event->destination = p->destination;
	event->source_identity = c->source.identity;
	event->destination_identity = c->destination.identity;
	event->network = c->source.network ?: c->destination.network;
	event->attachment = c->attachment.number;
	event->interface = skb->ifindex;
	event->rule = c->rule;
	event->length = skb->len;
	event->source_port = p->source_port;
	event->destination_port = p->destination_port;
	event->ethertype = p->ethertype;
	event->protocol = p->protocol;
	event->type = p->type;
	event->reason = reason;
	event->observed = c->observed;
	event->direction = c->direction;
	event->generation = c->generation;
	bpf_ringbuf_submit(event, 0);
	return 1;
}

WEFT_APART int weft_count(struct __sk_buff *skb, struct weft_case *c, int reason)
{
	struct weft_counter *counter, first = {};
	struct weft_counter_key key;
	int recorded;

	if (!c)
		return 0;
	key.source = c->source.identity;
	key.destination = c->destination.identity;
	key.reason = reason;
	key.observed = c->observed;
	recorded = weft_record(skb, c, reason);
	counter = bpf_map_lookup_elem(&counters, &key);
	if (!counter) {
		bpf_map_update_elem(&counters, &key, &first, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&counters, &key);
		if (!counter)
			return 0;
	}
	/* Of this processor, but a packet may interrupt another one's accounting. */
	__sync_fetch_and_add(&counter->packets, 1);
	__sync_fetch_and_add(&counter->bytes, skb->len);
	if (!recorded)
		__sync_fetch_and_add(&counter->unrecorded, 1);
	return 0;
}

#endif
