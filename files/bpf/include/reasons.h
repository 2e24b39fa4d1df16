/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_REASONS_H
#define WEFT_REASONS_H

/* Why a packet is dropped, or would be. Python's list (model/policy.py) says each in a sentence; a test compares both.
 * A number is in counters and records of hosts: it is never used again for another reason. */
#define WEFT_REASONS(X) \
	X(1, NO_RULE) \
	X(2, RULE) \
	X(3, NETWORK) \
	X(4, SOURCE) \
	X(5, MARTIAN) \
	X(6, NEIGHBOUR) \
	X(7, FRAGMENT) \
	X(8, TRUNCATED) \
	X(9, HEADER) \
	X(10, OPTIONS) \
	X(11, ETHERTYPE) \
	X(12, UNREADY) \
	X(13, MULTICAST) \
	X(14, ROUTER) \
	X(15, SHADOW)

enum weft_reason {
	WEFT_PASS = 0,
#define WEFT_REASON(number, name) WEFT_DROP_##name = number,
	WEFT_REASONS(WEFT_REASON)
#undef WEFT_REASON
};

#endif
