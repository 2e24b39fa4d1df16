/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_NEIGHBOUR_H
#define WEFT_NEIGHBOUR_H

/* What neighbours tell each other on a link: ARP (RFC 826, probes: RFC 5227), neighbour discovery (RFC 4861), and who
 * listens to which group (IGMP, MLD). Everybody may only tell of addresses that are theirs. It is not policed further: it
 * is how addresses are found, and says nothing but that. There is no such thing on a device of layer 3. */

#include "address.h"
#include "identity.h"

#define WEFT_ROUTER_SOLICITATION 133
#define WEFT_ROUTER_ADVERTISEMENT 134
#define WEFT_NEIGHBOUR_SOLICITATION 135
#define WEFT_NEIGHBOUR_ADVERTISEMENT 136
#define WEFT_REDIRECT 137

/* <linux/if_arp.h> needs a C library. Ethernet and IPv4. */
struct weft_arp {
	__be16 hardware, protocol;
	__u8 hardware_size, protocol_size;
	__be16 operation;
	__u8 sender_mac[6], sender[4], target_mac[6], target[4];
} __attribute__((packed));

/* The link-local address that a MAC makes (RFC 4291, appendix A) is of whoever has the MAC: each has one before it has
 * any other, and the maps do not know it. */
static __always_inline int weft_is_own_link_local(struct weft_case *c, const struct weft_address *address)
{
	const __u8 *mac = c->mac;
	__u32 left = (__u32)(mac[0] ^ 2) << 24 | mac[1] << 16 | mac[2] << 8 | 0xff;
	__u32 right = 0xfe000000U | mac[3] << 16 | mac[4] << 8 | mac[5];

	return address->words[0] == bpf_htonl(0xfe800000) && !address->words[1] && address->words[2] == bpf_htonl(left) &&
	       address->words[3] == bpf_htonl(right);
}

static __always_inline int weft_may_claim(struct weft_case *c, const struct weft_address *address)
{
	struct weft_endpoint speaker = {};

	if (weft_is_own_link_local(c, address))
		return weft_is_open(c);
	if (weft_speaker(c, address, &speaker))
		return speaker.identity != 0;
	return c->scope == WEFT_NO_ATTACHMENT && !weft_bound_to(address) && !weft_seen(c, WEFT_EVERY_NETWORK, address);
}

WEFT_APART int weft_judge_arp(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_packet *p;
	struct weft_arp arp;
	__u32 sender, target;

	if (!c)
		return WEFT_DROP_UNREADY;
	p = &c->packet;
	if (!weft_load(skb, c->network_header, &arp, sizeof(arp)))
		return WEFT_DROP_TRUNCATED;
	if (arp.hardware != bpf_htons(1) || arp.protocol != bpf_htons(ETH_P_IP) || arp.hardware_size != 6 ||
	    arp.protocol_size != 4)
		return WEFT_DROP_ETHERTYPE;
	__builtin_memcpy(&sender, arp.sender, sizeof(sender));
	__builtin_memcpy(&target, arp.target, sizeof(target));
	p->source = weft_mapped(sender);
	p->destination = weft_mapped(target);
	/* A question whether an address is free is from nobody yet. */
	if (arp.operation == bpf_htons(1) && !sender)
		return weft_is_open(c) ? WEFT_PASS : WEFT_DROP_NEIGHBOUR;
	if (arp.operation != bpf_htons(1) && arp.operation != bpf_htons(2))
		return WEFT_DROP_NEIGHBOUR;
	return weft_may_claim(c, &p->source) ? WEFT_PASS : WEFT_DROP_NEIGHBOUR;
}

static __always_inline int weft_is_discovery(struct weft_packet *p)
{
	return p->protocol == WEFT_ICMPV6 && !p->part && p->type >= WEFT_ROUTER_SOLICITATION && p->type <= WEFT_REDIRECT;
}

/* From this link (hop limit 255), not in fragments (RFC 6980), and about an address of the sender's own. */
WEFT_APART int weft_judge_discovery(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_address target;
	struct weft_packet *p;
	int nobody;

	if (!c)
		return WEFT_DROP_UNREADY;
	p = &c->packet;
	nobody = weft_is_unspecified(&p->source, ETH_P_IPV6);
	if (c->attachment.flags & WEFT_LAYER_3 || p->fragment || p->hops != 255 || p->code)
		return WEFT_DROP_NEIGHBOUR;
	if (nobody ? !weft_is_open(c) : !weft_may_claim(c, &p->source))
		return WEFT_DROP_NEIGHBOUR;
	if (p->type == WEFT_ROUTER_SOLICITATION)
		return WEFT_PASS;
	if (p->type == WEFT_ROUTER_ADVERTISEMENT || p->type == WEFT_REDIRECT) {
		if (nobody)
			return WEFT_DROP_NEIGHBOUR;
		/* The host itself may be one. */
		if (c->direction == WEFT_INGRESS && !(c->attachment.flags & WEFT_HAS_ROUTER))
			return WEFT_DROP_ROUTER;
		return WEFT_PASS;
	}
	if (p->offset + 8 + sizeof(target) > p->end || !weft_load(skb, p->offset + 8, &target, sizeof(target)))
		return WEFT_DROP_TRUNCATED;
	/* Who asks for another's address says nothing of it, unless it is about to take it (from ::, RFC 4862). */
	if (p->type == WEFT_NEIGHBOUR_SOLICITATION && !nobody)
		return WEFT_PASS;
	if (p->type == WEFT_NEIGHBOUR_ADVERTISEMENT && nobody)
		return WEFT_DROP_NEIGHBOUR;
	return weft_may_claim(c, &target) ? WEFT_PASS : WEFT_DROP_NEIGHBOUR;
}

/* What is for everybody: only the membership in groups, by which bridges and routers know where a group's packets go.
 * Whoever has no other address reports from none or, in IPv6, from a link-local one. */
static __always_inline int weft_judge_group(struct weft_case *c, int known)
{
	struct weft_packet *p = &c->packet;

	if (c->attachment.flags & WEFT_LAYER_3 || p->fragment)
		return WEFT_DROP_MULTICAST;
	if (p->ethertype == ETH_P_IP ? p->protocol != WEFT_IGMP :
				       p->protocol != WEFT_ICMPV6 ||
					       !((p->type >= 130 && p->type <= 132) || p->type == 143))
		return WEFT_DROP_MULTICAST;
	if (known)
		return WEFT_PASS;
	if (!weft_is_open(c))
		return WEFT_DROP_SOURCE;
	if (weft_is_unspecified(&p->source, p->ethertype))
		return WEFT_PASS;
	return p->ethertype == ETH_P_IPV6 && weft_is_link_local(&p->source) ? WEFT_PASS : WEFT_DROP_SOURCE;
}

#endif
