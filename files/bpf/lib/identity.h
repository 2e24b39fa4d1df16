/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_IDENTITY_H
#define WEFT_IDENTITY_H

/* Who has an address: one lookup in a hash, and a second one among prefixes where it is no single address of anybody. */

#include "maps.h"
#include "packet.h"

/* tables: of one slot, both. */
static __always_inline struct weft_endpoint *weft_find(void *exact, void *prefixes, __u32 scope, const struct weft_address *address)
{
	struct weft_prefix key = { .length = 32 + 128, .place = { .scope = scope, .address = *address } };
	struct weft_endpoint *found;

	found = bpf_map_lookup_elem(exact, &key.place);
	return found ?: bpf_map_lookup_elem(prefixes, &key);
}

/* Who may speak with this address in this scope; 0: the maps say nothing of it. Identity 0 (nobody) is what a wider
 * prefix must not give away. */
static __always_inline struct weft_endpoint *weft_speaker(const struct weft_case *c, const struct weft_address *address)
{
	/* Keys are on the stack: elsewhere kernel 6.1 does not take them. */
	__u32 slot = c->slot;
	void *exact = bpf_map_lookup_elem(&sources, &slot);
	void *prefixes = bpf_map_lookup_elem(&source_prefixes, &slot);

	return exact && prefixes ? weft_find(exact, prefixes, c->scope, address) : 0;
}

/* Who a network says has this address. */
static __always_inline struct weft_endpoint *weft_seen(const struct weft_case *c, __u32 network, const struct weft_address *address)
{
	__u32 slot = c->slot;
	void *exact = bpf_map_lookup_elem(&destinations, &slot);
	void *prefixes = bpf_map_lookup_elem(&destination_prefixes, &slot);

	return exact && prefixes ? weft_find(exact, prefixes, network, address) : 0;
}

/* The network of the only peer that has this address; 0: none or several have it. */
static __always_inline __u32 weft_network_of(const struct weft_case *c, const struct weft_address *address)
{
	struct weft_endpoint *peer = weft_seen(c, WEFT_EVERY_NETWORK, address);

	return peer ? peer->network : 0;
}

/* Who has this address in the eyes of a network: a peer that it knows, else somebody else's peer, else whoever has the
 * prefix. Returns whether it is a peer that this network does not reach. */
WEFT_APART int weft_end(const struct weft_case *c, __u32 network, const struct weft_address *address,
			struct weft_endpoint *to)
{
	struct weft_endpoint *found, *other;

	if (!c || !address || !to)
		return 1;
	found = weft_seen(c, network, address);
	if (found && found->flags & (WEFT_PEER | WEFT_LOCAL)) {
		*to = *found;
		return 0;
	}
	other = weft_seen(c, WEFT_EVERY_NETWORK, address);
	if (other) {
		*to = *other;
		return 1;
	}
	if (found) {
		*to = *found;
		return 0;
	}
	to->identity = WEFT_WORLD;
	to->class = WEFT_WORLD;
	to->network = network;
	to->flags = WEFT_OBSERVES_INGRESS | WEFT_OBSERVES_EGRESS;
	return 0;
}

#endif
