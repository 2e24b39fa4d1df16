/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_RELATED_H
#define WEFT_RELATED_H

/* ICMP errors. One passes where the packet that it quotes was sent by its receiver and belongs to a flow that may still
 * be, in either direction. Whoever reports it need not be an end of that flow (routers do), but it has to come from
 * where that packet was going. */

#include "address.h"
#include "flow.h"
#include "identity.h"
#include "parse.h"

static __always_inline int weft_is_error(const struct weft_packet *p)
{
	if (p->fragment)
		return 0;
	/* unreachable, time exceeded, parameter problem; IPv6: too big */
	if (p->protocol == WEFT_ICMP)
		return p->type == 3 || p->type == 11 || p->type == 12;
	return p->protocol == WEFT_ICMPV6 && p->type >= 1 && p->type <= 4;
}

/* Whether a flow with this first packet of a case's receiver to somebody far, or the packet's answer (backwards), is known
 * and may still be. network: of the flow. */
WEFT_APART int weft_is_known(const struct weft_case *c, const struct weft_packet *p, const struct weft_endpoint *far,
			     int backwards, __u32 network)
{
	struct weft_flow_key key = {};
	struct weft_ruling ruling = {};
	struct weft_flow *flow;

	if (!c || !p || !far)
		return 0;
	if (backwards && weft_is_icmp(p->protocol) && !weft_question(p))
		return 0;
	weft_flow_key_of(&key, p, network, backwards);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!weft_is_fresh(flow, p->protocol, bpf_ktime_get_coarse_ns()))
		return 0;
	weft_ask(c->slot, backwards ? far : &c->destination, backwards ? &c->destination : far, weft_what(p, backwards),
		 &ruling);
	return weft_passes(&ruling);
}

/* The same, by the addresses of the network that it was translated from, here or on its way here. */
WEFT_APART int weft_is_known_elsewhere(const struct weft_case *c, struct weft_packet *p, const struct weft_endpoint *far)
{
	__u32 other;

	if (!c || !p || !far)
		return 0;
	other = weft_other(c);
	if (!other)
		return 0;
	weft_reflect_quoted(c, c->met, other, p);
	return weft_is_known(c, p, far, 0, other) || weft_is_known(c, p, far, 1, other);
}

WEFT_APART int weft_is_related(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_endpoint far = {};
	struct weft_packet quoted = {};
	__u32 viewer;

	if (!c || !weft_is_error(&c->packet))
		return 0;
	quoted.ethertype = c->packet.ethertype;
	if (weft_parse(skb, c->packet.offset + 8, &quoted, 1) || quoted.part)
		return 0;
	if (!weft_same(&quoted.source, &c->packet.destination))
		return 0;
	if (c->scope != WEFT_NO_ATTACHMENT && (!weft_speaker(c, &quoted.destination, &far) || !far.identity))
		return 0;
	viewer = weft_viewer(c);
	if (weft_end(c, viewer, &quoted.destination, &far))
		return 0;
	if (weft_is_known(c, &quoted, &far, 0, viewer) ||
	    weft_is_known(c, &quoted, &far, 1, far.flags & WEFT_SHADOW ? viewer : far.network))
		return 1;
	return weft_is_known_elsewhere(c, &quoted, &far);
}

#endif
