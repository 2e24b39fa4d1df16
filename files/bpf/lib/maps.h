/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_MAPS_H
#define WEFT_MAPS_H

/* All maps. Both hooks share them: the loader pins them under these names. Sizes are what the loader may raise.
 *
 * A generation of the policy is what stands at one index, its slot, of all maps of maps. The tables of a slot are
 * replaced, or written while the slot judges nothing; `current` says which generation does, and so which slot. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../include/layout.h"

/* A bridge has up to 1024 ports, each of which is policed. */
#define WEFT_LINKS 4096
#define WEFT_BINDINGS 16384
#define WEFT_FLOWS 65536
#define WEFT_FRAGMENTS 8192
#define WEFT_COUNTERS 16384
#define WEFT_EVENT_BYTES (1 << 20)

/* What a table of a slot looks like. Sizes instead of types: of what is reached only so, the compiler writes no BTF. */
#define WEFT_TABLE(name, kind, options, key_type, value_type) \
	struct name { \
		__uint(type, kind); \
		__uint(map_flags, options); \
		__uint(max_entries, 1); \
		__uint(key_size, sizeof(key_type)); \
		__uint(value_size, sizeof(value_type)); \
	}

/* Longest prefixes are slow (168 ns against 42 of a hash): they hold only what is no single address. */
WEFT_TABLE(weft_places, BPF_MAP_TYPE_HASH, 0, struct weft_place, struct weft_endpoint);
WEFT_TABLE(weft_prefixes, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct weft_prefix, struct weft_endpoint);
WEFT_TABLE(weft_reflections, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct weft_prefix, struct weft_shadow);
WEFT_TABLE(weft_members, BPF_MAP_TYPE_HASH, 0, struct weft_identity_key, struct weft_endpoint);
WEFT_TABLE(weft_lines, BPF_MAP_TYPE_HASH, 0, struct weft_pair, struct weft_verdict);
WEFT_TABLE(weft_ports, BPF_MAP_TYPE_ARRAY, 0, __u32, struct weft_port_classes);

#define WEFT_SLOTS_OF(name, inner) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
		__uint(max_entries, WEFT_SLOTS); \
		__type(key, __u32); \
		__array(values, struct inner); \
	} name SEC(".maps")

WEFT_SLOTS_OF(sources, weft_places);
WEFT_SLOTS_OF(source_prefixes, weft_prefixes);
WEFT_SLOTS_OF(destinations, weft_places);
WEFT_SLOTS_OF(destination_prefixes, weft_prefixes);
WEFT_SLOTS_OF(shadows, weft_reflections);
WEFT_SLOTS_OF(identities, weft_members);
WEFT_SLOTS_OF(verdicts, weft_lines);
WEFT_SLOTS_OF(port_classes, weft_ports);

#define WEFT_MAP(name, kind, size, key_type, value_type) \
	struct { \
		__uint(type, kind); \
		__uint(max_entries, size); \
		__type(key, key_type); \
		__type(value, value_type); \
	} name SEC(".maps")

WEFT_MAP(current, BPF_MAP_TYPE_ARRAY, 1, __u32, __u32);

/* What follows survives a new policy. Interface index to attachment. */
WEFT_MAP(attachments, BPF_MAP_TYPE_HASH, WEFT_LINKS, __u32, struct weft_attachment);

/* Which addresses speak on which interface; who has an address that is bound with an identity, for those who send to
 * it; and a number that is another one after each change of either. */
WEFT_MAP(bindings, BPF_MAP_TYPE_HASH, WEFT_BINDINGS, struct weft_binding_key, struct weft_binding);
WEFT_MAP(bound, BPF_MAP_TYPE_HASH, WEFT_BINDINGS, struct weft_address, struct weft_binding);
WEFT_MAP(bindings_turn, BPF_MAP_TYPE_ARRAY, 1, __u32, __u32);

/* Least recently used ones go first: a flood of flows costs others their replies, never a denial. */
WEFT_MAP(flows, BPF_MAP_TYPE_LRU_HASH, WEFT_FLOWS, struct weft_flow_key, struct weft_flow);
WEFT_MAP(judged, BPF_MAP_TYPE_LRU_HASH, WEFT_FLOWS, struct weft_judged_key, struct weft_judged);
WEFT_MAP(fragments, BPF_MAP_TYPE_LRU_HASH, WEFT_FRAGMENTS, struct weft_fragment_key, struct weft_fragment);
WEFT_MAP(counters, BPF_MAP_TYPE_LRU_PERCPU_HASH, WEFT_COUNTERS, struct weft_counter_key, struct weft_counter);

/* Until when (nanoseconds since boot) the share of records is used up. */
WEFT_MAP(buckets, BPF_MAP_TYPE_LRU_HASH, WEFT_COUNTERS, struct weft_bucket_key, __u64);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WEFT_EVENT_BYTES);
} events SEC(".maps");

/* Nobody calls them, and no host loads them. They name the structures that the compiler would leave out of BTF, where tests
 * compare them with Python's formats. */
__attribute__((used)) static int weft_layouts(struct weft_prefix *prefix, struct weft_pair *pair,
					      struct weft_verdict *verdict, struct weft_port_classes *classes,
					      struct weft_event *event)
{
	return 0;
}

__attribute__((used)) static int weft_more_layouts(struct weft_identity_key *key, struct weft_shadow *shadow)
{
	return 0;
}

#endif
