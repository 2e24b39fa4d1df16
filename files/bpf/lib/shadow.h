/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_SHADOW_H
#define WEFT_SHADOW_H

/* Networks that are peered and have the same addresses. Each has others in the eyes of the other one, its shadow. A
 * packet is judged by the addresses that it is met with; if it passes, both of them become those of its receiver's
 * network, whose packet it is from then on, and whose routes it takes. Answers come back the same way. */

#include "maps.h"
#include "packet.h"

/* An address that is met in network `from`, as `to` knows it. Returns 0 where they have no shadow of it. */
WEFT_APART int weft_reflect(const struct weft_case *c, __u32 between, const struct weft_address *address,
			    struct weft_address *to)
{
	struct weft_prefix key = { .length = 32 + 128 };
	struct weft_shadow *found;
	void *table;
	__u32 slot;

	if (!c || !address || !to)
		return 0;
	slot = c->slot;
	table = bpf_map_lookup_elem(&shadows, &slot);
	key.place.scope = between;
	key.place.address = *address;
	found = table ? bpf_map_lookup_elem(table, &key) : 0;
	if (!found)
		return 0;
	for (int i = 0; i < 4; i++)
		to->words[i] = found->prefix.words[i] | (key.place.address.words[i] & ~found->mask.words[i]);
	return 1;
}

#define WEFT_SOURCE_HAS 1
#define WEFT_DESTINATION_HAS 2

/* Both addresses of a packet. What has no shadow stays what it is. Returns which of them have one. */
static __always_inline int weft_reflect_both(const struct weft_case *c, __u32 from, __u32 to,
					     const struct weft_packet *p, struct weft_ends *ends)
{
	__u32 between = WEFT_BETWEEN(from, to);
	int found = 0;

	ends->source = p->source;
	ends->destination = p->destination;
	if (weft_reflect(c, between, &p->source, &ends->source))
		found |= WEFT_SOURCE_HAS;
	if (weft_reflect(c, between, &p->destination, &ends->destination))
		found |= WEFT_DESTINATION_HAS;
	return found;
}

/* The same of a packet that is quoted: in place. */
static __always_inline void weft_reflect_quoted(const struct weft_case *c, __u32 from, __u32 to, struct weft_packet *p)
{
	__u32 between = WEFT_BETWEEN(from, to);

	weft_reflect(c, between, &p->source, &p->source);
	weft_reflect(c, between, &p->destination, &p->destination);
}

#endif
