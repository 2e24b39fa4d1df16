/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_TRANSLATE_H
#define WEFT_TRANSLATE_H

/* A packet's addresses become those of its receiver's network, and all checksums right by the difference (RFC 1624):
 * that of IPv4's header; those of protocols that cover the addresses, also where a device still has to complete them; and
 * an ICMP error quotes what its receiver has sent. Nothing is kept about it: each packet is translated by itself. */

#include "parse.h"
#include "related.h"
#include "shadow.h"
#include "tag.h"

#define WEFT_DCCP 33
#define WEFT_UDP_LITE 136

/* Who is no peer, is what the other end's own network says: here that of who speaks by a shadow. */
static __always_inline int weft_see_stranger(struct weft_case *c)
{
	__u32 own = weft_other(c), tag = c->destination.flags;
	int reason;

	if (!own)
		return WEFT_PASS;
	c->shadow.destination = c->packet.destination;
	weft_reflect(c, WEFT_BETWEEN(c->met, own), &c->packet.destination, &c->shadow.destination);
	reason = weft_end(c, own, &c->shadow.destination, &c->destination);
	/* It is met in this one all the same. */
	c->destination.network = c->met;
	c->destination.flags = weft_with_tag(c->destination.flags & ~WEFT_SHADOW, tag);
	return reason;
}

/* Whether a packet that the policy lets through can go where it is bound, and what its addresses are there. */
WEFT_APART int weft_cross(struct weft_case *c)
{
	int found;

	if (!c)
		return WEFT_DROP_UNREADY;
	if (c->source.flags & WEFT_SHADOW) {
		/* It was translated for somebody of this network, and once. */
		if (c->destination.flags & (WEFT_PEER | WEFT_SHADOW) && c->destination.network != c->met)
			return WEFT_DROP_SHADOW;
		if (!(c->destination.flags & WEFT_PEER))
			return weft_see_stranger(c);
	}
	if (!(c->destination.flags & WEFT_SHADOW))
		return WEFT_PASS;
	found = weft_reflect_both(c, c->met, c->destination.network, &c->packet, &c->shadow);
	/* The host reports as who it is. */
	if (c->source.flags & WEFT_PEER && c->source.network != c->met) {
		c->shadow.source = c->packet.source;
		found |= WEFT_SOURCE_HAS;
	}
	/* A peer without a shadow there would be somebody else there. */
	if (!(found & WEFT_DESTINATION_HAS) || (c->source.flags & WEFT_PEER && !(found & WEFT_SOURCE_HAS)))
		return WEFT_DROP_SHADOW;
	if (!weft_is_routed(&c->destination))
		return WEFT_DROP_UNREADY;
	c->translated = 1;
	return WEFT_PASS;
}

/* Where the checksum is that covers the addresses, behind the IP headers; 0: there is none. */
static __always_inline __u32 weft_checksum_of(const struct weft_packet *p)
{
	switch (p->protocol) {
	case WEFT_TCP:
		return 16;
	case WEFT_UDP:
	case WEFT_UDP_LITE:
	case WEFT_DCCP:
		return 6;
	case WEFT_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/* The addresses themselves, and the checksum of IPv4's header. seen: flags of the helper. */
static __always_inline int weft_put(struct __sk_buff *skb, __u32 header, __u16 ethertype, const struct weft_ends *ends,
				    __u64 difference, __u64 seen)
{
	__u32 four[2] = { ends->source.words[3], ends->destination.words[3] };

	if (ethertype == ETH_P_IPV6)
		return bpf_skb_store_bytes(skb, header + 8, ends, sizeof(*ends), seen);
	return bpf_l3_csum_replace(skb, header + 10, 0, difference, 0) ||
	       bpf_skb_store_bytes(skb, header + 12, four, sizeof(four), 0);
}

/* UDP's 0 means that there is no checksum. */
static __always_inline int weft_amend(struct __sk_buff *skb, const struct weft_packet *p, __u64 difference, __u64 flags)
{
	if (p->protocol == WEFT_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	return bpf_l4_csum_replace(skb, p->offset + weft_checksum_of(p), 0, difference, flags);
}

/* The packet that an error quotes, which its receiver knows by its own network's addresses. The error's checksum covers all
 * of it. */
WEFT_APART int weft_translate_quoted(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_packet quoted = {};
	struct weft_ends *ends;
	__u32 at, end, was = 0, is = 0;
	__s64 difference;

	if (!c)
		return WEFT_DROP_SHADOW;
	quoted.ethertype = c->packet.ethertype;
	at = c->packet.offset + 8;
	/* The error's own addresses are in their place by now. */
	ends = &c->shadow;
	/* What nobody can read is nobody's. */
	if (weft_parse(skb, at, &quoted, 1))
		return WEFT_PASS;
	if (!weft_reflect_both(c, c->met, c->destination.network, &quoted, ends))
		return WEFT_PASS;
	difference = bpf_csum_diff((__be32 *)&quoted.source, sizeof(*ends), (__be32 *)ends, sizeof(*ends), 0);
	if (weft_put(skb, at, quoted.ethertype, ends, difference, 0))
		return WEFT_DROP_SHADOW;
	at = weft_checksum_of(&quoted);
	end = quoted.end < c->packet.end ? quoted.end : c->packet.end;
	if (at && !quoted.part && quoted.offset + at + 2 <= end) {
		at += quoted.offset;
		if (!weft_load(skb, at, &was, 2) || weft_amend(skb, &quoted, difference, 0) || !weft_load(skb, at, &is, 2))
			return WEFT_DROP_SHADOW;
	}
	/* IPv4's header has made up for its addresses. */
	if (quoted.ethertype == ETH_P_IP)
		difference = 0;
	difference = bpf_csum_diff(&was, sizeof(was), &is, sizeof(is), difference);
	return bpf_l4_csum_replace(skb, c->packet.offset + 2, 0, difference, 0) ? WEFT_DROP_SHADOW : WEFT_PASS;
}

WEFT_APART int weft_translate(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_packet *p;
	__s64 difference;

	if (!c)
		return WEFT_DROP_SHADOW;
	p = &c->packet;
	difference = bpf_csum_diff((__be32 *)&p->source, sizeof(c->shadow), (__be32 *)&c->shadow, sizeof(c->shadow), 0);
	/* Where a device has summed up the whole packet: IPv4's header has made up for its addresses; in IPv6 they and the
	 * protocol's checksum do so together, if both are told of. */
	if (weft_put(skb, c->network_header, p->ethertype, &c->shadow, difference, BPF_F_RECOMPUTE_CSUM))
		return WEFT_DROP_SHADOW;
	/* Only a first fragment has a checksum; it is of the whole datagram. */
	if (p->part)
		return WEFT_PASS;
	return weft_checksum_of(p) && weft_amend(skb, p, difference, BPF_F_PSEUDO_HDR) ? WEFT_DROP_SHADOW : WEFT_PASS;
}

#endif
