/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_FORWARD_H
#define WEFT_FORWARD_H

/* Packets between two peers that go straight from one policed link to another, past the stack: where both links have the
 * flag WEFT_FORWARDS, which says that nobody's firewall, NAT or connection tracking there is about them.
 *
 * The way is asked for where a packet is noted as judged, and holds as long as that note does: a second, this generation
 * of the policy, and this turn of the bindings. Whatever is not a plain packet to a neighbour (for the host
 * itself, too large, with options, at the end of its life, back to where it came from, refused by a route) is left to
 * the stack, which knows what to say of it. */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "tag.h"

#define WEFT_AF_INET 2
#define WEFT_AF_INET6 10

/* struct ethhdr, and the longest TCP header behind an IP header without options. */
#define WEFT_ETHERNET 14
#define WEFT_TCP_HEADER 60

/* Newer than the headers that some build with. A kernel that knows one of the two not (6.10 knows both) refuses them with
 * -EINVAL, so it finds no way. */
#define WEFT_FIB_SKIP_NEIGHBOUR (1U << 2)
#define WEFT_FIB_MARK (1U << 5)

static __always_inline __u32 weft_header_size(const struct weft_packet *p)
{
	return p->ethertype == ETH_P_IP ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* The largest IP packet that this one is on the wire. */
static __always_inline __u32 weft_wire_size(struct __sk_buff *skb, const struct weft_packet *p)
{
	return skb->gso_size ? weft_header_size(p) + WEFT_TCP_HEADER + skb->gso_size : p->end - WEFT_ETHERNET;
}

/* Both ways or none: whoever tracks connections here would see one half of them. So not where packets come in without
 * an Ethernet header, from which bpf_redirect_neigh takes none; nor by ports of a bridge, which has its own ideas of ways. */
static __always_inline int weft_forwards(const struct weft_attachment *attachment)
{
	__u32 never = WEFT_LAYER_3 | WEFT_BOUND | WEFT_PORTS | WEFT_PORT;

	return (attachment->flags & (WEFT_FORWARDS | never)) == WEFT_FORWARDS;
}

/* A packet that a router has nothing to do with but to pass it on. */
static __always_inline int weft_is_plain(struct __sk_buff *skb, const struct weft_case *c)
{
	const struct weft_packet *p = &c->packet;

	return c->direction == WEFT_INGRESS && weft_forwards(&c->attachment) && c->network_header == WEFT_ETHERNET &&
	       p->offset == WEFT_ETHERNET + weft_header_size(p) && p->hops > 1 &&
	       skb->pkt_type == 0 /* PACKET_HOST */ && !skb->vlan_present;
}

/* Notes where a packet goes, by the rules and routes that the stack would ask with the packet's mark; nothing, where the
 * stack has to know. */
static __always_inline void weft_find_way(struct __sk_buff *skb, const struct weft_case *c, struct weft_judged *way)
{
	const struct weft_packet *p = &c->packet;
	struct weft_attachment *other;
	struct bpf_fib_lookup fib = {};
	__u32 link;

	if (c->translated || !weft_is_plain(skb, c) || !(c->source.flags & c->destination.flags & WEFT_PEER))
		return;
	fib.ifindex = skb->ifindex;
	fib.tot_len = weft_wire_size(skb, p);
	fib.l4_protocol = p->protocol;
	/* The mark is where the address of the next hop's device comes to be. */
	*(__u32 *)fib.smac = weft_mark_of(skb, &c->source);
	if (p->ethertype == ETH_P_IP) {
		fib.family = WEFT_AF_INET;
		fib.ipv4_src = p->source.words[3];
		fib.ipv4_dst = p->destination.words[3];
	} else {
		fib.family = WEFT_AF_INET6;
		__builtin_memcpy(fib.ipv6_src, p->source.words, sizeof(p->source));
		__builtin_memcpy(fib.ipv6_dst, p->destination.words, sizeof(p->destination));
	}
	if (bpf_fib_lookup(skb, &fib, sizeof(fib), WEFT_FIB_MARK | WEFT_FIB_SKIP_NEIGHBOUR))
		return;
	link = fib.ifindex;
	other = bpf_map_lookup_elem(&attachments, &link);
	if (!other || !weft_forwards(other) || link == skb->ifindex)
		return;
	way->link = link;
	way->mtu = fib.mtu_result;
	way->family = fib.family;
	__builtin_memcpy(way->next.words, fib.ipv6_dst, sizeof(way->next));
}

/* One hop less. 0: the headers are not where they can be written. */
static __always_inline int weft_age(struct __sk_buff *skb, const struct weft_packet *p)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *six = data + WEFT_ETHERNET;
	struct iphdr *four = data + WEFT_ETHERNET;
	__u32 sum;

	if (p->ethertype == ETH_P_IPV6) {
		if ((void *)(six + 1) > end)
			return 0;
		six->hop_limit--;
		return 1;
	}
	if ((void *)(four + 1) > end)
		return 0;
	/* RFC 1141: what the time to live loses, the checksum gains */
	sum = four->check + bpf_htons(0x0100);
	four->check = sum + (sum >= 0xffff);
	four->ttl--;
	return 1;
}

/* TC_ACT_REDIRECT, or what leaves the packet to the stack. */
static __always_inline int weft_forward(struct __sk_buff *skb, const struct weft_case *c, const struct weft_judged *way)
{
	struct bpf_redir_neigh next = {};

	if (!way->link || !weft_is_plain(skb, c) || weft_wire_size(skb, &c->packet) > way->mtu ||
	    !weft_age(skb, &c->packet))
		return TC_ACT_UNSPEC;
	next.nh_family = way->family;
	__builtin_memcpy(next.ipv6_nh, way->next.words, sizeof(next.ipv6_nh));
	return bpf_redirect_neigh(way->link, &next, sizeof(next), 0);
}

#endif
