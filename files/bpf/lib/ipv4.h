/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_IPV4_H
#define WEFT_IPV4_H

/* RFC 791. The header's checksum is the kernel's business: it looks at every packet that it takes or forwards. */

#include <linux/ip.h>

#include "packet.h"

#define WEFT_OPTION_BYTES 40

/* Only options that say nothing about the way: a source route leads a packet elsewhere than to the destination that it
 * is judged for, and what is unknown may do so too. */
static __always_inline int weft_parse_options(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	__u8 option[2] = {};

	for (int i = 0; i < WEFT_OPTION_BYTES && offset < end; i++) {
		if (!weft_load(skb, offset, option, 1))
			return WEFT_DROP_TRUNCATED;
		if (option[0] == 0) /* end of the list */
			break;
		if (option[0] == 1) { /* padding, one byte */
			offset++;
			continue;
		}
		/* record route, timestamp, router alert */
		if (option[0] != 7 && option[0] != 68 && option[0] != 148)
			return WEFT_DROP_OPTIONS;
		if (offset + 2 > end || !weft_load(skb, offset, option, 2))
			return WEFT_DROP_HEADER;
		if (option[1] < 2 || offset + option[1] > end)
			return WEFT_DROP_HEADER;
		offset += option[1];
	}
	return WEFT_PASS;
}

static __always_inline int weft_parse_ipv4(struct __sk_buff *skb, __u32 offset, struct weft_packet *p, int quoted)
{
	__u32 total, size, fragment;
	struct iphdr ip;
	int reason;

	if (!weft_load_near(skb, offset, &ip, sizeof(ip)))
		return WEFT_DROP_TRUNCATED;
	size = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	/* Larger than 64 KiB until it is segmented (BIG TCP): only the buffer knows. */
	if (!total && skb->gso_size)
		total = skb->len - offset;
	if (ip.version != 4 || size < sizeof(ip) || total < size)
		return WEFT_DROP_HEADER;
	p->offset = offset + size;
	p->end = offset + total;
	if (p->offset > skb->len || (p->end > skb->len && !quoted))
		return WEFT_DROP_TRUNCATED;
	reason = weft_parse_options(skb, offset + sizeof(ip), p->offset);
	if (reason)
		return reason;
	fragment = bpf_ntohs(ip.frag_off);
	p->part = (fragment & 0x1fff) * 8;
	p->more = (fragment & 0x2000) != 0;
	p->fragment = p->part || p->more;
	p->number = bpf_ntohs(ip.id);
	p->protocol = ip.protocol;
	p->chain = ip.protocol;
	p->hops = ip.ttl;
	p->source = weft_mapped(ip.saddr);
	p->destination = weft_mapped(ip.daddr);
	return WEFT_PASS;
}

#endif
