/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_TAG_H
#define WEFT_TAG_H

/* The packet's mark says that it was judged, and of which network it is. Routing rules look at it, and the egress hook.
 * What stood there when it came in counts for nothing. */

#include "packet.h"

static __always_inline int weft_is_judged(struct __sk_buff *skb)
{
	return (skb->mark & WEFT_MARK_MASK) != 0;
}

static __always_inline void weft_tag(struct __sk_buff *skb, __u32 network)
{
	__u32 tag = network && network <= WEFT_LAST_TAG ? network : WEFT_NO_TAG;

	/* volatile: the compiler would write the one byte, and the verifier takes whole words only */
	*(volatile __u32 *)&skb->mark = (skb->mark & ~WEFT_MARK_MASK) | tag << WEFT_MARK_SHIFT;
}

#endif
