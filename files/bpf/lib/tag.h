/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_TAG_H
#define WEFT_TAG_H

/* The packet's mark says that it was judged, and of which network it is. Routing rules look at it, and the egress hook.
 * What stood there when it came in counts for nothing. */

#include "maps.h"
#include "packet.h"

/* The mark alone says nothing: others may restore or reflect it, with all of its bits (CONNMARK, fwmark_reflect). It is
 * ours where the packet came in by an interface of ours, where whatever it had was replaced. So bridges with policed
 * ports are attachments too: who is forwarded from there came in by them. */
static __always_inline int weft_is_judged(struct __sk_buff *skb)
{
	__u32 interface = skb->ingress_ifindex;

	return (skb->mark & WEFT_MARK_MASK) && interface && bpf_map_lookup_elem(&attachments, &interface);
}

static __always_inline __u32 weft_tag_of(const struct weft_endpoint *endpoint)
{
	return endpoint->flags >> WEFT_TAG_SHIFT;
}

/* Flags with the tag that others have. */
static __always_inline __u32 weft_with_tag(__u32 flags, __u32 others)
{
	return (flags << 8 >> 8) | others >> WEFT_TAG_SHIFT << WEFT_TAG_SHIFT;
}

/* A network without a tag on this host has no routes here either: what its peers send would go by somebody else's. */
static __always_inline int weft_is_routed(const struct weft_endpoint *endpoint)
{
	return !endpoint->network || weft_tag_of(endpoint);
}

/* tag: 0 for a packet without our mark. */
static __always_inline __u32 weft_mark_with(const struct __sk_buff *skb, __u32 tag)
{
	return (skb->mark & ~WEFT_MARK_MASK) | tag << WEFT_MARK_SHIFT;
}

/* The mark of a packet that was judged. */
static __always_inline __u32 weft_mark_of(const struct __sk_buff *skb, const struct weft_endpoint *source)
{
	return weft_mark_with(skb, weft_tag_of(source) ?: WEFT_NO_TAG);
}

static __always_inline void weft_set_mark(struct __sk_buff *skb, __u32 mark)
{
	/* volatile: the compiler would write the one byte, and the verifier takes whole words only */
	*(volatile __u32 *)&skb->mark = mark;
}

/* The end whose network's routes a packet takes: its sender's, or its receiver's, if it is translated. */
static __always_inline const struct weft_endpoint *weft_router(const struct weft_case *c)
{
	return c->translated ? &c->destination : &c->source;
}

static __always_inline void weft_tag(struct __sk_buff *skb, const struct weft_case *c)
{
	weft_set_mark(skb, weft_mark_of(skb, weft_router(c)));
}

/* A tunnel looks for its way through the underlay by the mark of what it carries (drivers/net/vxlan: flowi4_mark), and
 * no network has a way there. Returns the interface's flags. */
static __always_inline __u32 weft_untag(struct __sk_buff *skb)
{
	__u32 interface = skb->ifindex;
	struct weft_attachment *attachment = bpf_map_lookup_elem(&attachments, &interface);

	if (!attachment)
		return 0;
	if (attachment->flags & WEFT_TUNNEL)
		weft_set_mark(skb, weft_mark_with(skb, 0));
	return attachment->flags;
}

#endif
