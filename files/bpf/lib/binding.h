/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_BINDING_H
#define WEFT_BINDING_H

/* Addresses that are bound to interfaces, by whoever knows what stands behind them: the port of a bridge has one container
 * behind it, and another one may have its address a moment later. So they are no part of a policy, and no policy takes
 * them away. */

#include "maps.h"
#include "packet.h"

/* Whether its sender may only have addresses that are bound to this interface. */
static __always_inline int weft_is_tied(const struct weft_case *c)
{
	return c->attachment.flags & WEFT_BOUND && c->direction == WEFT_INGRESS;
}

static __always_inline struct weft_binding *weft_binding_of(const struct weft_case *c, const struct weft_address *address)
{
	struct weft_binding_key key = { .interface = c->interface, .address = *address };

	return bpf_map_lookup_elem(&bindings, &key);
}

/* Whether anybody speaks there: whoever is behind an interface without bindings does not even ask for an address. */
static __always_inline int weft_is_open(const struct weft_case *c)
{
	struct weft_address none = {};

	return !weft_is_tied(c) || weft_binding_of(c, &none);
}

/* Whose an address is by its binding, on whichever interface; 0: by none. */
static __always_inline __u32 weft_bound_to(const struct weft_address *address)
{
	struct weft_address key = *address;
	struct weft_binding *found = bpf_map_lookup_elem(&bound, &key);

	return found ? found->identity : 0;
}

#endif
