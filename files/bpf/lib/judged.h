/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_JUDGED_H
#define WEFT_JUDGED_H

/* Packets like one that has just passed pass as well, without being judged again: one lookup instead of five or more,
 * and one of the sender's binding where the interface asks for it. It counts only for the generation of the policy that
 * the other one was judged by, until any binding changes, and for a second, so that flows are kept and do not end in
 * their middle. What is never taken for known: what is denied or observed, because it is counted;
 * a new connection, which is judged by its own direction alone; what has no ports; fragments. */

#include "binding.h"
#include "flow.h"
#include "forward.h"
#include "maps.h"
#include "packet.h"
#include "tag.h"

#define WEFT_JUDGED_AGE WEFT_SECOND

static __always_inline int weft_is_notable(const struct weft_packet *p)
{
	return weft_is_with_ports(p->protocol) && !p->fragment && !p->opening;
}

static __always_inline void weft_judged_key_of(const struct weft_case *c, struct weft_judged_key *key)
{
	const struct weft_packet *p = &c->packet;

	key->source = p->source;
	key->destination = p->destination;
	key->attachment = c->attachment.number;
	key->network = c->attachment.network;
	key->source_port = p->source_port;
	key->destination_port = p->destination_port;
	key->protocol = p->protocol | c->direction << 8;
}

/* With a stack of its own; what is global cannot return a pointer. */
static __attribute__((noinline)) const struct weft_judged *weft_was_judged(struct weft_case *c)
{
	struct weft_judged_key key;
	struct weft_judged *found;

	if (!weft_is_notable(&c->packet))
		return 0;
	/* The key does not say on which of several ports it came. */
	if (weft_is_tied(c) && !weft_binding_of(c, &c->packet.source))
		return 0;
	weft_judged_key_of(c, &key);
	found = bpf_map_lookup_elem(&judged, &key);
	if (!found || found->generation != c->generation || found->turn != c->turn ||
	    bpf_ktime_get_coarse_ns() - found->seen > WEFT_JUDGED_AGE)
		return 0;
	c->source.flags = found->tag << WEFT_TAG_SHIFT;
	if (found->translated) {
		c->translated = 1;
		c->shadow = found->shadow;
		c->destination.flags = c->source.flags;
	}
	return found;
}

/* Only from a flow's second packet on: many have no more than one. */
WEFT_APART int weft_note(struct __sk_buff *skb, const struct weft_case *c)
{
	struct weft_judged_key key;
	struct weft_judged fresh = {};

	if (!c || !c->known || !weft_is_notable(&c->packet))
		return 0;
	fresh.seen = bpf_ktime_get_coarse_ns();
	fresh.generation = c->generation;
	fresh.turn = c->turn;
	fresh.tag = weft_tag_of(weft_router(c));
	fresh.translated = c->translated;
	fresh.shadow = c->shadow;
	if (c->attachment.flags & WEFT_FORWARDS)
		weft_find_way(skb, c, &fresh);
	weft_judged_key_of(c, &key);
	bpf_map_update_elem(&judged, &key, &fresh, BPF_ANY);
	return 0;
}

#endif
