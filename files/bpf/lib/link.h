/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_LINK_H
#define WEFT_LINK_H

/* What stands before the network header. */

#include "packet.h"

#define WEFT_TAGS 2 /* 802.1Q in 802.1ad */

/* A device of layer 3 (WireGuard, tun) hands over packets that begin with the IP header; its first four bits say which.
 * The kernel itself does not believe anything else of them. */
static __always_inline int weft_parse_bare(struct __sk_buff *skb, struct weft_case *c)
{
	__u8 first;

	if (!weft_load(skb, 0, &first, 1))
		return WEFT_DROP_TRUNCATED;
	if (first >> 4 != 4 && first >> 4 != 6)
		return WEFT_DROP_ETHERTYPE;
	c->packet.ethertype = first >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6;
	return WEFT_PASS;
}

static __always_inline int weft_is_tag(__u16 ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD;
}

/* 01:80:c2:00:00:00 to 0f (IEEE 802.1Q, table 8-1). A bridge hands most of what is for them to the host by the port, past
 * itself, and forwards some. */
static __always_inline int weft_is_reserved(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && !mac[3] && !mac[4] && mac[5] < 0x10;
}

/* A packet within a VLAN is judged as one without: who may speak to whom does not depend on its tag. Of two tags the
 * outer one is usually in the buffer's own field and no longer among the bytes. */
static __always_inline int weft_parse_ethernet(struct __sk_buff *skb, struct weft_case *c)
{
	__u32 offset = sizeof(struct ethhdr), tags = skb->vlan_present ? 1 : 0;
	struct ethhdr ethernet;
	__be16 tag[2];

	if (!weft_load_near(skb, 0, &ethernet, sizeof(ethernet)))
		return WEFT_DROP_TRUNCATED;
	__builtin_memcpy(c->mac, ethernet.h_source, ETH_ALEN);
	c->reserved = weft_is_reserved(ethernet.h_dest);
	c->packet.ethertype = bpf_ntohs(ethernet.h_proto);
	for (int i = 0; i < WEFT_TAGS && weft_is_tag(c->packet.ethertype); i++) {
		if (!weft_load(skb, offset, tag, sizeof(tag)))
			return WEFT_DROP_TRUNCATED;
		c->packet.ethertype = bpf_ntohs(tag[1]);
		offset += sizeof(tag);
		tags++;
	}
	c->network_header = offset;
	return tags > WEFT_TAGS || weft_is_tag(c->packet.ethertype) ? WEFT_DROP_ETHERTYPE : WEFT_PASS;
}

static __always_inline int weft_parse_link(struct __sk_buff *skb, struct weft_case *c)
{
	return c->attachment.flags & WEFT_LAYER_3 ? weft_parse_bare(skb, c) : weft_parse_ethernet(skb, c);
}

#endif
