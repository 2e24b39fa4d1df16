/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_PARSE_H
#define WEFT_PARSE_H

/* From the IP header to the ports, of a packet or of one that an ICMP error quotes. How a packet lies in memory makes no
 * difference. What is not understood whole has a reason to be dropped. */

#include "ipv4.h"
#include "ipv6.h"

/* A quoted packet may end eight bytes into the protocol's header (RFC 792), which is enough for ports. */
#define WEFT_QUOTED 8

/* The bytes that a protocol's header has at least; 0: nothing of it is read. */
static __always_inline __u32 weft_header_of(__u8 protocol)
{
	switch (protocol) {
	case WEFT_TCP:
		return 20;
	case WEFT_SCTP:
		return 12;
	case WEFT_UDP:
	case WEFT_ICMP:
	case WEFT_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

static __always_inline int weft_is_echo(__u8 protocol, __u8 type)
{
	return protocol == WEFT_ICMP ? type == 8 || type == 0 : type == 128 || type == 129;
}

static __always_inline int weft_parse_icmp(struct weft_packet *p, const __u8 *bytes)
{
	/* The other family's, which no kernel answers, would be judged by types that mean something else. */
	if ((p->protocol == WEFT_ICMP) != (p->ethertype == ETH_P_IP))
		return WEFT_DROP_HEADER;
	p->type = bytes[0];
	p->code = bytes[1];
	if (weft_is_echo(p->protocol, p->type))
		p->source_port = p->destination_port = bytes[4] << 8 | bytes[5];
	return WEFT_PASS;
}

/* The ports, or an ICMP message's type. */
static __always_inline int weft_parse_transport(struct __sk_buff *skb, struct weft_packet *p, int quoted)
{
	__u32 wanted = weft_header_of(p->protocol);
	__u8 bytes[16] __attribute__((aligned(4))) = {};

	if (!wanted)
		return WEFT_PASS;
	if (quoted)
		wanted = WEFT_QUOTED;
	if (p->offset + wanted > p->end || !weft_load_near(skb, p->offset, bytes, WEFT_QUOTED))
		return WEFT_DROP_TRUNCATED;
	if (p->protocol == WEFT_ICMP || p->protocol == WEFT_ICMPV6)
		return weft_parse_icmp(p, bytes);
	p->source_port = bytes[0] << 8 | bytes[1];
	p->destination_port = bytes[2] << 8 | bytes[3];
	if (p->protocol != WEFT_TCP || quoted)
		return WEFT_PASS;
	if (!weft_load_near(skb, p->offset, bytes, sizeof(bytes)))
		return WEFT_DROP_TRUNCATED;
	if (bytes[12] >> 4 < 5)
		return WEFT_DROP_HEADER;
	/* SYN without ACK, whatever else is set */
	p->opening = (bytes[13] & 0x12) == 0x02;
	return WEFT_PASS;
}

/* offset: of the IP header. The family is in p->ethertype. */
WEFT_APART int weft_parse(struct __sk_buff *skb, __u32 offset, struct weft_packet *p, int quoted)
{
	int reason;

	if (!p)
		return WEFT_DROP_UNREADY;
	if (p->ethertype == ETH_P_IP)
		reason = weft_parse_ipv4(skb, offset, p, quoted);
	else
		reason = weft_parse_ipv6(skb, offset, p, quoted);
	if (reason)
		return reason;
	/* A later fragment has no header of its own: its first one has said what it is. */
	return p->part ? WEFT_PASS : weft_parse_transport(skb, p, quoted);
}

#endif
