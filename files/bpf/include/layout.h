/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_LAYOUT_H
#define WEFT_LAYOUT_H

/* What Python reads and writes: keys and values of maps, records of the ring buffer. Python's formats
 * (kernel/bpf/layout.py) are compared with these through BTF. No structure has a hole: a key with bytes that nobody set
 * would never be found again.
 *
 * Addresses have 128 bits; IPv4 is ::ffff:0:0/96 (RFC 4291). All numbers are in host order. */

#include <linux/types.h>

/* Changes with any of these structures: maps of another version are never shared. */
#define WEFT_LAYOUT 4

/* Slots for generations of the policy: one that judges, and one that is being written. Generations are counted; that of
 * the moment is in the map `current`, and its lowest bit says which slot it is in. */
#define WEFT_SLOTS 2

/* In network order. */
struct weft_address {
	__u32 words[4];
};

/* An address as somebody sees it. scope: the attachment that speaks for it, or the network that looks for it. */
struct weft_place {
	__u32 scope;
	struct weft_address address;
};

/* The key of a longest-prefix match: the scope counts as the first 32 of `length` bits, so that it always fits whole. */
struct weft_prefix {
	__u32 length;
	struct weft_place place;
};

/* Who is there. identity 0: nobody, as if there were no entry. class: what verdicts know it by. network: 0 for none.
 * flags: those below, and in the highest byte the tag of the network, 0 where this host has none for it. */
struct weft_endpoint {
	__u32 identity;
	__u32 class;
	__u32 network;
	__u32 flags;
};

#define WEFT_PEER 1U /* declared; what is not has no policies */
#define WEFT_OBSERVES_INGRESS 2U /* what no rule lets into it passes and is recorded */
#define WEFT_OBSERVES_EGRESS 4U /* the same out of it */
#define WEFT_LOCAL 8U /* no peer, and yet not another network's */
#define WEFT_SHARED 16U /* peers of several networks have this address */
/* In the eyes of a network: the address is another one in its own. On an interface: it speaks in a network that is not
 * its own, by the address that it has there. */
#define WEFT_SHADOW 32U
#define WEFT_TAG_SHIFT 24

/* A peer as a network knows it: scope is the network that looks, or WEFT_EVERY_NETWORK. */
struct weft_identity_key {
	__u32 scope;
	__u32 identity;
};

/* Addresses that one network has in the eyes of another: the bits under `mask` are those of `prefix`, the others stay.
 * Their keys are prefixes, whose scope is WEFT_BETWEEN of the network in which a packet is met and that of its receiver. */
struct weft_shadow {
	struct weft_address prefix;
	struct weft_address mask;
};

/* Numbers of networks have 16 bits. */
#define WEFT_BETWEEN(from, to) ((from) << 16 | (to))

/* Source and destination. */
struct weft_ends {
	struct weft_address source;
	struct weft_address destination;
};

/* Who is nowhere in the maps. */
#define WEFT_WORLD 1U

/* source, destination: classes. port: a class of ports, or the type of an ICMP message. */
struct weft_pair {
	__u32 source;
	__u32 destination;
	__u16 port;
	__u8 protocol;
	__u8 pad;
};

#define WEFT_ANY_PROTOCOL 255

/* rule: the one that decides, 0 for none. verdict: one of the two below. observed: 1 where what is denied passes. */
struct weft_verdict {
	__u32 rule;
	__u8 verdict;
	__u8 observed;
	__u16 pad;
};

#define WEFT_DENY 0
#define WEFT_ALLOW 1

/* Port to class. */
struct weft_port_classes {
	__u16 tcp[65536];
	__u16 udp[65536];
	__u16 sctp[65536];
};

/* An interface that is policed. number: the scope of those who speak on it. network: theirs, 0 for several. */
struct weft_attachment {
	__u32 number;
	__u32 network;
	__u32 flags;
};

/* The scope of the host itself and of interfaces that are not policed. */
#define WEFT_NO_ATTACHMENT 0U
/* The scope in which every address of every peer stands. */
#define WEFT_EVERY_NETWORK 0U

#define WEFT_LAYER_3 1U /* its packets begin with the IP header */
#define WEFT_HAS_ROUTER 2U /* a router of somebody else's is there and may say so (advertisements, redirects) */
#define WEFT_BOUND 4U /* what comes in there is only from addresses that are bound to this very interface */
#define WEFT_PORTS 8U /* a bridge whose ports are policed in its place, each as one that is BOUND */
#define WEFT_TUNNEL 16U /* what leaves there is carried through the underlay, and leaves without our mark */
#define WEFT_FORWARDS 32U /* what peers send one another goes past the stack, if both links say so */
#define WEFT_PORT 64U /* a port of a bridge with PORTS, as those that are BOUND are */
/* Nobody behind our programs is asked any more about what they let pass. For the moments in which they are both at TCX and
 * at clsact: a packet must not be judged again when it is another one already, translated or without our mark. */
#define WEFT_LAST_WORD 0x40000000U

/* An address that may speak on one interface. Of an interface with any, :: is bound too. */
struct weft_binding_key {
	__u32 interface;
	struct weft_address address;
};

/* identity: of the peer who has the address for as long as it is bound; 0: whoever the policy says. */
struct weft_binding {
	__u32 identity;
};

/* A flow by its first packet. network: of its source. ports: of an ICMP echo, its identifier twice. */
struct weft_flow_key {
	struct weft_address source;
	struct weft_address destination;
	__u32 network;
	__u16 source_port;
	__u16 destination_port;
	__u32 protocol;
};

/* seen: nanoseconds since boot. */
struct weft_flow {
	__u64 seen;
};

/* A packet that passed, all that its verdict depends on besides the policy. attachment, network: of the interface.
 * protocol: the direction in the bits above it. */
struct weft_judged_key {
	struct weft_address source;
	struct weft_address destination;
	__u32 attachment;
	__u32 network;
	__u16 source_port;
	__u16 destination_port;
	__u32 protocol;
};

/* seen: nanoseconds since boot. turn: of the bindings, then. tag: of the network it goes by, 0 for none. link: by which such
 * packets leave past the stack, an interface index; 0: they do not. mtu: of that way. family: AF_INET or AF_INET6, of the
 * next hop, whose address begins with the first byte of `next`. translated: 1 where its addresses become `shadow`. */
struct weft_judged {
	__u64 seen;
	__u32 generation;
	__u32 turn;
	__u32 tag;
	__u32 link;
	__u16 mtu;
	__u16 family;
	struct weft_address next;
	__u32 translated;
	struct weft_ends shadow;
};

/* A datagram in fragments. scope: the attachment that it came in by. */
struct weft_fragment_key {
	struct weft_address source;
	struct weft_address destination;
	__u32 scope;
	__u32 number;
	__u32 protocol;
};

/* What the first fragment said and later ones do not repeat. protocol: IPv6's key has the first extension header's. */
struct weft_fragment {
	__u64 seen;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 type;
	__u8 opening;
	__u8 pad;
};

/* source, destination: identities, 0 where unknown. observed: 1 where the packet passed all the same. */
struct weft_counter_key {
	__u32 source;
	__u32 destination;
	__u16 reason;
	__u16 observed;
};

/* unrecorded: packets without a record, because their source has had its share, or nobody reads. */
struct weft_counter {
	__u64 packets;
	__u64 bytes;
	__u64 unrecorded;
};

/* Whose share of records. attachment: tells apart those whose identity is unknown. */
struct weft_bucket_key {
	__u32 identity;
	__u32 attachment;
};

/* One record. time: nanoseconds since boot. identities 0: unknown; addresses ::, and ports 0, too. generation: the lowest
 * eight bits of the one that judged, by which the number of a rule has to be read. */
struct weft_event {
	__u64 time;
	struct weft_address source;
	struct weft_address destination;
	__u32 source_identity;
	__u32 destination_identity;
	__u32 network;
	__u32 attachment;
	__u32 interface;
	__u32 rule;
	__u32 length;
	__u16 source_port;
	__u16 destination_port;
	__u16 ethertype;
	__u8 protocol;
	__u8 type;
	__u8 reason;
	__u8 observed;
	__u8 direction;
	__u8 generation;
};

#define WEFT_INGRESS 0
#define WEFT_EGRESS 1

/* The part of a packet's mark that is ours; the other bits are never touched. 0: not judged, 1 to 254: the tag of its
 * network, 255: judged, of a network without a tag or of none. */
#define WEFT_MARK_MASK 0xff000000U
#define WEFT_MARK_SHIFT 24
#define WEFT_NO_TAG 255U

#endif
