/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_IPV6_H
#define WEFT_IPV6_H

/* RFC 8200. */

#include <linux/ipv6.h>

#include "packet.h"

/* Extension headers in one packet; RFC 8200 knows of six, most senders of none. */
#define WEFT_HEADERS 6

#define WEFT_HOP_BY_HOP 0
#define WEFT_ROUTING 43
#define WEFT_FRAGMENT_HEADER 44
#define WEFT_AUTHENTICATION 51
#define WEFT_DESTINATION_OPTIONS 60
#define WEFT_MOBILITY 135
#define WEFT_HOST_IDENTITY 139
#define WEFT_SHIM6 140

/* One header. Returns its length in bytes, 0 where `p->protocol` is no extension header, or minus the reason. */
static __always_inline int weft_parse_header(struct __sk_buff *skb, struct weft_packet *p, int first)
{
	__u8 header[8] = {};
	__u32 size;

	switch (p->protocol) {
	case WEFT_HOP_BY_HOP:
		if (!first)
			return -WEFT_DROP_OPTIONS;
		break;
	case WEFT_ROUTING:
	case WEFT_FRAGMENT_HEADER:
	case WEFT_AUTHENTICATION:
	case WEFT_DESTINATION_OPTIONS:
		break;
	/* Extension headers too, of which nothing here knows what they do; 253 and 254 are for experiments. */
	case WEFT_MOBILITY:
	case WEFT_HOST_IDENTITY:
	case WEFT_SHIM6:
	case 253:
	case 254:
		return -WEFT_DROP_OPTIONS;
	default:
		return 0;
	}
	if (p->offset + sizeof(header) > p->end || !weft_load(skb, p->offset, header, sizeof(header)))
		return -WEFT_DROP_TRUNCATED;
	size = (header[1] + 1) * 8;
	if (p->protocol == WEFT_AUTHENTICATION)
		size = (header[1] + 2) * 4;
	/* Stations that are left: it is judged for a destination that is not its last. */
	if (p->protocol == WEFT_ROUTING && header[3])
		return -WEFT_DROP_OPTIONS;
	if (p->protocol == WEFT_FRAGMENT_HEADER) {
		if (p->fragment)
			return -WEFT_DROP_HEADER;
		size = sizeof(header);
		p->fragment = 1;
		p->part = (header[2] << 8 | header[3]) & ~7U;
		p->more = header[3] & 1;
		p->number = (__u32)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];
		p->chain = header[0];
	}
	p->protocol = header[0];
	return size;
}

static __always_inline int weft_parse_ipv6(struct __sk_buff *skb, __u32 offset, struct weft_packet *p, int quoted)
{
	struct ipv6hdr ip;
	__u32 payload;

	if (!weft_load_near(skb, offset, &ip, sizeof(ip)))
		return WEFT_DROP_TRUNCATED;
	if (ip.version != 6)
		return WEFT_DROP_HEADER;
	payload = bpf_ntohs(ip.payload_len);
	p->offset = offset + sizeof(ip);
	p->end = p->offset + payload;
	/* Larger than 64 KiB until it is segmented (BIG TCP): only the buffer knows. */
	if (!payload && skb->gso_size)
		p->end = skb->len;
	if (p->end > skb->len && !quoted)
		return WEFT_DROP_TRUNCATED;
	p->protocol = ip.nexthdr;
	p->chain = ip.nexthdr;
	p->hops = ip.hop_limit;
	__builtin_memcpy(&p->source, &ip.saddr, sizeof(p->source));
	__builtin_memcpy(&p->destination, &ip.daddr, sizeof(p->destination));
	for (int i = 0; i <= WEFT_HEADERS; i++) {
		int size = weft_parse_header(skb, p, i == 0);

		if (size <= 0)
			return -size;
		p->offset += size;
		if (p->offset > p->end)
			return WEFT_DROP_TRUNCATED;
		/* What follows is the middle of something. */
		if (p->part)
			return WEFT_PASS;
	}
	return WEFT_DROP_OPTIONS;
}

#endif
