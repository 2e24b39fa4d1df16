/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_FRAGMENT_H
#define WEFT_FRAGMENT_H

/* Only the first fragment of a datagram has ports. What it said is kept for the others, which are judged by it, by the
 * policy of the moment: not its verdict, which may be revoked. A later fragment whose first one was not seen, or not let
 * through, is dropped; so is one that comes before the first one. */

#include "maps.h"
#include "packet.h"

/* As long as the kernel waits for the rest of a datagram (IPv6; IPv4 30 s). */
#define WEFT_FRAGMENT_AGE (60 * 1000000000ULL)

/* The rest of a TCP header behind its ports could be replaced by a fragment that begins before this (RFC 3128). */
#define WEFT_TCP_PART 24

static __always_inline void weft_fragment_key_of(const struct weft_case *c, struct weft_fragment_key *key)
{
	key->source = c->packet.source;
	key->destination = c->packet.destination;
	key->scope = c->scope;
	key->number = c->packet.number;
	key->protocol = c->packet.chain;
}

WEFT_APART int weft_remember(const struct weft_case *c)
{
	struct weft_fragment_key key = {};
	struct weft_fragment value = {};

	if (!c)
		return 0;
	value.seen = bpf_ktime_get_coarse_ns();
	value.source_port = c->packet.source_port;
	value.destination_port = c->packet.destination_port;
	value.protocol = c->packet.protocol;
	value.type = c->packet.type;
	value.opening = c->packet.opening;
	weft_fragment_key_of(c, &key);
	bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
	return 0;
}

/* Completes a later fragment from its first one. */
WEFT_APART int weft_recall(struct weft_case *c)
{
	struct weft_fragment_key key = {};
	struct weft_fragment *value;
	struct weft_packet *p;

	if (!c)
		return WEFT_DROP_FRAGMENT;
	p = &c->packet;
	weft_fragment_key_of(c, &key);
	value = bpf_map_lookup_elem(&fragments, &key);
	if (!value || bpf_ktime_get_coarse_ns() - value->seen > WEFT_FRAGMENT_AGE)
		return WEFT_DROP_FRAGMENT;
	p->source_port = value->source_port;
	p->destination_port = value->destination_port;
	p->protocol = value->protocol;
	p->type = value->type;
	p->opening = value->opening;
	return p->protocol == WEFT_TCP && p->part < WEFT_TCP_PART ? WEFT_DROP_FRAGMENT : WEFT_PASS;
}

#endif
