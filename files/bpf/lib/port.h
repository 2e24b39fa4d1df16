/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_PORT_H
#define WEFT_PORT_H

/* What comes through a bridge by a port that nobody polices, because it was plugged in a moment ago and nobody is there to
 * see it, gets nowhere: not up to the host, nor out by any port that is policed. A bridge hands packets on with the mark
 * that they have; its ports set it, and its own egress for what the host sends. So a packet without one was judged
 * nowhere. What bridges with VLANs keep out already does not come so far. */

#include "maps.h"
#include "packet.h"
#include "parse.h"

/* <linux/if_packet.h> has it as PACKET_LOOPBACK: what the host sent to a group, and hears itself. No bridge passes it up. */
#define WEFT_OWN_ECHO 5

/* At the ingress of a bridge itself: ingress_ifindex is the bridge's there, and no longer the port's. */
static __always_inline int weft_comes_through_port(struct __sk_buff *skb)
{
	__u32 interface = skb->ifindex;
	struct weft_attachment *attachment;

	/* What comes in by a wire or a container has no mark, and costs no lookup. */
	if (!(skb->mark & WEFT_MARK_MASK) && skb->pkt_type != WEFT_OWN_ECHO)
		return 0;
	attachment = bpf_map_lookup_elem(&attachments, &interface);
	return attachment && attachment->flags & WEFT_PORTS;
}

/* At the egress of a port, the host's own packets without a mark came in nowhere: the bridge's own questions for groups,
 * and what is sent by the port itself. */
static __always_inline int weft_is_unjudged(const struct __sk_buff *skb, const struct weft_case *c)
{
	if (c->direction == WEFT_INGRESS)
		return c->attachment.flags & WEFT_PORTS;
	return c->attachment.flags & (WEFT_BOUND | WEFT_PORT) && !(skb->mark & WEFT_MARK_MASK) && skb->ingress_ifindex;
}

/* The record says who it wanted to be, as far as that can be read. */
static __always_inline int weft_refuse(struct __sk_buff *skb, struct weft_case *c, int reason)
{
	if (c->packet.ethertype == ETH_P_IP || c->packet.ethertype == ETH_P_IPV6)
		weft_parse(skb, c->network_header, &c->packet, 0);
	return reason;
}

#endif
