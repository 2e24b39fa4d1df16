/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_FLOW_H
#define WEFT_FLOW_H

/* Replies. A flow is remembered by what let it through; its answers pass for as long as the policy would still let it
 * through, so a rule that is withdrawn ends its flows with the next packet. An answer opens no flow of its own, also where
 * it might: that one would go on when what it answers is withdrawn. No state of a connection is kept beyond that: an
 * answer is what comes back from the same ports, but never a SYN, which would be a new connection. */

#include "identity.h"
#include "maps.h"
#include "packet.h"
#include "verdict.h"

#define WEFT_SECOND 1000000000ULL
/* RFC 5382: a connection that is alive may be silent for 2 h 4 min. RFC 4787 and 5508 for the others. */
#define WEFT_TCP_AGE (7440 * WEFT_SECOND)
#define WEFT_ICMP_AGE (60 * WEFT_SECOND)
#define WEFT_OTHER_AGE (300 * WEFT_SECOND)


static __always_inline void weft_flow_key_of(struct weft_flow_key *key, const struct weft_packet *p, __u32 network,
					     int backwards)
{
	key->source = backwards ? p->destination : p->source;
	key->destination = backwards ? p->source : p->destination;
	key->network = network;
	key->source_port = backwards ? p->destination_port : p->source_port;
	key->destination_port = backwards ? p->source_port : p->destination_port;
	key->protocol = p->protocol;
}

static __always_inline int weft_is_with_ports(__u8 protocol)
{
	return protocol == WEFT_TCP || protocol == WEFT_UDP || protocol == WEFT_SCTP;
}

static __always_inline int weft_is_icmp(__u8 protocol)
{
	return protocol == WEFT_ICMP || protocol == WEFT_ICMPV6;
}

/* The type of the ICMP message that asked for an echo's reply; 0 for both families' others, which ask for nothing. */
static __always_inline int weft_question(const struct weft_packet *p)
{
	if (p->protocol == WEFT_ICMP)
		return p->type == 0 ? 8 : 0;
	return p->type == 129 ? 128 : 0;
}

/* What the verdict of a packet is looked up by: its protocol and, in the lower half, port or type. */
static __always_inline __u32 weft_what(const struct weft_packet *p, int backwards)
{
	__u32 what = (__u32)p->protocol << 16;

	if (weft_is_with_ports(p->protocol))
		return what | (backwards ? p->source_port : p->destination_port);
	if (weft_is_icmp(p->protocol))
		return what | (backwards ? weft_question(p) : p->type);
	return what;
}

static __always_inline __u64 weft_age_of(__u8 protocol)
{
	if (protocol == WEFT_TCP || protocol == WEFT_SCTP)
		return WEFT_TCP_AGE;
	return weft_is_icmp(protocol) ? WEFT_ICMP_AGE : WEFT_OTHER_AGE;
}

/* Written once a second at most: many processors may carry one flow. */
static __always_inline void weft_keep(struct weft_flow *flow, __u64 now)
{
	if (now - flow->seen > WEFT_SECOND)
		flow->seen = now;
}

static __always_inline int weft_is_fresh(const struct weft_flow *flow, __u8 protocol, __u64 now)
{
	return flow && now - flow->seen < weft_age_of(protocol);
}

/* Whether a packet that its own verdict let through is of a flow that was opened before. */
WEFT_APART int weft_continues(struct weft_case *c)
{
	struct weft_flow_key key = {};
	struct weft_flow *flow;

	if (!c)
		return 0;
	weft_flow_key_of(&key, &c->packet, c->met, 0);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return 0;
	c->known = 1;
	weft_keep(flow, bpf_ktime_get_coarse_ns());
	return 1;
}

/* Remembers a packet that its own verdict let through, and that answers nothing. Of ICMP only what asks has an answer. */
WEFT_APART int weft_open(const struct weft_case *c)
{
	const struct weft_packet *p;
	struct weft_flow_key key = {};
	struct weft_flow fresh = { .seen = bpf_ktime_get_coarse_ns() };

	if (!c)
		return 0;
	p = &c->packet;
	if (weft_is_icmp(p->protocol) && p->type != 8 && p->type != 128)
		return 0;
	weft_flow_key_of(&key, p, c->met, 0);
	bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY);
	return 0;
}

/* The network whose addresses the other direction was remembered with, where that need not be the one that this packet is
 * met in: it may have been met here before it was translated or, like this one, after that. 0: there is no other. */
static __always_inline __u32 weft_other(const struct weft_case *c)
{
	struct weft_endpoint *own;

	if (c->translated)
		return c->destination.network;
	if (!(c->source.flags & WEFT_SHADOW))
		return 0;
	own = weft_member(c, WEFT_EVERY_NETWORK, c->source.identity);
	return own ? own->network : 0;
}

/* The network that the flow is of which this packet may belong to: its own, or that of who is its receiver. */
static __always_inline __u32 weft_viewer(const struct weft_case *c)
{
	return c->translated ? c->met : c->destination.network;
}

/* Whether it answers a flow that may still be. */
WEFT_APART int weft_is_reply(struct weft_case *c)
{
	struct weft_packet *p;
	__u64 now = bpf_ktime_get_coarse_ns();
	struct weft_ruling ruling = {};
	struct weft_flow_key key = {};
	struct weft_flow *flow;

	if (!c)
		return 0;
	p = &c->packet;
	if (p->opening || (weft_is_icmp(p->protocol) && !weft_question(p)))
		return 0;
	weft_flow_key_of(&key, p, weft_viewer(c), 1);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!weft_is_fresh(flow, p->protocol, now)) {
		key.network = weft_other(c);
		if (!key.network)
			return 0;
		if (!c->translated)
			weft_reflect_both(c, c->met, key.network, p, &c->shadow);
		key.source = c->shadow.destination;
		key.destination = c->shadow.source;
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!weft_is_fresh(flow, p->protocol, now))
			return 0;
	}
	weft_ask(c->slot, &c->destination, &c->source, weft_what(p, 1), &ruling);
	if (!weft_passes(&ruling))
		return 0;
	c->known = 1;
	weft_keep(flow, now);
	return 1;
}

#endif
