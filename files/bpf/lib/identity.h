/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_IDENTITY_H
#define WEFT_IDENTITY_H

/* Who has an address: one lookup in a hash, and a second one among prefixes where it is no single address of anybody.
 * Addresses that are bound with an identity are those of whoever has the identity, whatever the policy says of them. */

#include "binding.h"
#include "maps.h"
#include "packet.h"
#include "shadow.h"

/* tables: of one slot, both. */
static __always_inline struct weft_endpoint *weft_find(void *exact, void *prefixes, __u32 scope, const struct weft_address *address)
{
	struct weft_prefix key = { .length = 32 + 128, .place = { .scope = scope, .address = *address } };
	struct weft_endpoint *found;

	found = bpf_map_lookup_elem(exact, &key.place);
	return found ?: bpf_map_lookup_elem(prefixes, &key);
}

/* A peer, as a network knows it; 0: it does not, or there is no such peer any more. */
static __always_inline struct weft_endpoint *weft_member(const struct weft_case *c, __u32 network, __u32 identity)
{
	struct weft_identity_key key = { .scope = network, .identity = identity };
	__u32 slot = c->slot;
	void *members = bpf_map_lookup_elem(&identities, &slot);

	return members ? bpf_map_lookup_elem(members, &key) : 0;
}

static __always_inline struct weft_endpoint *weft_find_speaker(const struct weft_case *c, const struct weft_address *address)
{
	struct weft_binding *binding;

	if (weft_is_tied(c)) {
		binding = weft_binding_of(c, address);
		if (!binding)
			return 0;
		if (binding->identity)
			return weft_member(c, WEFT_EVERY_NETWORK, binding->identity);
	}
	/* Keys are on the stack: elsewhere kernel 6.1 does not take them. */
	__u32 slot = c->slot;
	void *exact = bpf_map_lookup_elem(&sources, &slot);
	void *prefixes = bpf_map_lookup_elem(&source_prefixes, &slot);

	return exact && prefixes ? weft_find(exact, prefixes, c->scope, address) : 0;
}

/* Who may speak with this address in this scope. Returns whether the maps say anything of it: identity 0 (nobody) is
 * what a wider prefix must not give away. */
WEFT_APART int weft_speaker(const struct weft_case *c, const struct weft_address *address, struct weft_endpoint *to)
{
	struct weft_endpoint *found;

	if (!c || !address || !to)
		return 0;
	found = weft_find_speaker(c, address);
	if (!found)
		return 0;
	*to = *found;
	return 1;
}

/* Who a network says has this address. */
static __always_inline struct weft_endpoint *weft_seen(const struct weft_case *c, __u32 network, const struct weft_address *address)
{
	__u32 slot = c->slot;
	void *exact = bpf_map_lookup_elem(&destinations, &slot);
	void *prefixes = bpf_map_lookup_elem(&destination_prefixes, &slot);

	return exact && prefixes ? weft_find(exact, prefixes, network, address) : 0;
}

static __always_inline int weft_is_seen_by_shadow(const struct weft_case *c, __u32 network,
						  const struct weft_address *address)
{
	struct weft_endpoint *found = weft_seen(c, network, address);

	return found && found->flags & WEFT_SHADOW;
}

/* The network of the only peer that has this address; 0: none or several have it. */
static __always_inline __u32 weft_network_of(const struct weft_case *c, const struct weft_address *address)
{
	__u32 identity = weft_bound_to(address);
	struct weft_endpoint *peer;

	if (identity)
		peer = weft_member(c, WEFT_EVERY_NETWORK, identity);
	else
		peer = weft_seen(c, WEFT_EVERY_NETWORK, address);
	return peer ? peer->network : 0;
}

/* The same as below, of an address that is bound. A policy that knows no such peer cannot say anything of it. */
static __always_inline int weft_bound_end(const struct weft_case *c, __u32 network, __u32 identity,
					  struct weft_endpoint *to)
{
	struct weft_endpoint *found = weft_member(c, network, identity);
	int reason = WEFT_PASS;

	if (!found) {
		found = weft_member(c, WEFT_EVERY_NETWORK, identity);
		reason = WEFT_DROP_NETWORK;
	}
	if (!found) {
		to->identity = identity;
		return WEFT_DROP_UNREADY;
	}
	*to = *found;
	return reason;
}

/* Whether a network knows whoever has this identity by another address than the one that it is bound by. */
static __always_inline int weft_is_elsewhere(const struct weft_case *c, __u32 network, __u32 identity,
					     const struct weft_address *address)
{
	struct weft_endpoint *own = weft_member(c, WEFT_EVERY_NETWORK, identity);
	struct weft_address seen;

	return own && own->network != network && weft_reflect(c, WEFT_BETWEEN(own->network, network), address, &seen);
}

/* Whom an address is bound to that a network sees by its shadow, which is of network `owner`. */
static __always_inline struct weft_endpoint *weft_bound_behind(const struct weft_case *c, __u32 network, __u32 owner,
							       const struct weft_address *address)
{
	struct weft_address own;
	struct weft_endpoint *member;
	__u32 identity;

	if (!weft_reflect(c, WEFT_BETWEEN(network, owner), address, &own))
		return 0;
	identity = weft_bound_to(&own);
	member = identity ? weft_member(c, network, identity) : 0;
	return member && member->network == owner ? member : 0;
}

/* Who has this address in the eyes of a network: a peer that it knows, else somebody else's peer, else whoever has the
 * prefix. Returns why not, if it is a peer that this network does not reach. */
WEFT_APART int weft_end(const struct weft_case *c, __u32 network, const struct weft_address *address,
			struct weft_endpoint *to)
{
	struct weft_endpoint *found, *other;
	__u32 identity;

	if (!c || !address || !to)
		return WEFT_DROP_UNREADY;
	identity = weft_bound_to(address);
	if (identity && !weft_is_elsewhere(c, network, identity, address))
		return weft_bound_end(c, network, identity, to);
	found = weft_seen(c, network, address);
	if (found && found->flags & WEFT_SHADOW) {
		other = weft_bound_behind(c, network, found->network, address);
		*to = other ? *other : *found;
		to->flags |= WEFT_SHADOW;
		return WEFT_PASS;
	}
	if (found && found->flags & (WEFT_PEER | WEFT_LOCAL)) {
		*to = *found;
		return WEFT_PASS;
	}
	other = weft_seen(c, WEFT_EVERY_NETWORK, address);
	/* A host of ours among its peers is not one of them. */
	if (other && !(other->flags & WEFT_LOCAL)) {
		*to = *other;
		return WEFT_DROP_NETWORK;
	}
	if (found) {
		*to = *found;
		return WEFT_PASS;
	}
	/* Of no network that has a tag: those know the world (kernel/bpf/layout.py). */
	to->identity = WEFT_WORLD;
	to->class = WEFT_WORLD;
	to->network = network;
	to->flags = WEFT_OBSERVES_INGRESS | WEFT_OBSERVES_EGRESS;
	return WEFT_PASS;
}

#endif
