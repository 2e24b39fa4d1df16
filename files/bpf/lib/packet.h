/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_PACKET_H
#define WEFT_PACKET_H

/* What is known of a packet, and of its two ends, while it is judged. */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../include/layout.h"
#include "../include/reasons.h"

/* The protocol numbers of <linux/in.h>, whose header needs a C library. */
#define WEFT_ICMP 1
#define WEFT_IGMP 2
#define WEFT_TCP 6
#define WEFT_UDP 17
#define WEFT_ICMPV6 58
#define WEFT_SCTP 132

#define WEFT_NEAR 1024

/* offset: of what follows the IP headers. end: the first byte that is not of the IP packet. part: of the protocol's
 * data, where a fragment begins. ports: of an ICMP echo, its identifier twice. */
struct weft_packet {
	struct weft_address source;
	struct weft_address destination;
	__u32 offset;
	__u32 end;
	__u32 part;
	__u32 number; /* of the datagram that this is a fragment of */
	__u32 chain; /* protocol as the fragment's own header has it */
	__u16 source_port;
	__u16 destination_port;
	__u16 ethertype; /* host order */
	__u8 protocol;
	__u8 type; /* of an ICMP message */
	__u8 code;
	__u8 hops;
	__u8 opening; /* a TCP SYN that answers nothing */
	__u8 fragment; /* has a fragment's header, or is one */
	__u8 more; /* fragments follow */
	__u8 pad[3];
};

/* A case: the packet, who its ends are, and what was found. scope: in which its source has to be. turn: of the bindings.
 * interface: index. met: the network whose addresses it has. shadow: those that it has in the receiver's network, if it
 * is to be translated. */
struct weft_case {
	struct weft_packet packet;
	struct weft_attachment attachment;
	struct weft_endpoint source;
	struct weft_endpoint destination;
	struct weft_ends shadow;
	__u32 met;
	__u32 generation;
	__u32 slot;
	__u32 turn;
	__u32 interface;
	__u32 scope;
	__u32 network_header;
	__u32 rule;
	__u8 observed;
	__u8 direction;
	__u8 mac[6]; /* of the sender; zeros on a device of layer 3 */
	__u8 known; /* is of a flow that was there before it */
	__u8 translated;
	__u8 reserved; /* its frame is for an address that bridges keep for themselves */
	__u8 pad;
};

/* A function that the verifier looks at once, by itself, and not again for each way that leads to it. Its pointers are not
 * null and point to whole structures, which it has to be told. */
#define WEFT_APART __attribute__((noinline))

/* False where the packet ends before. */
static __always_inline int weft_load(struct __sk_buff *skb, __u32 offset, void *to, __u32 length)
{
	return bpf_skb_load_bytes(skb, offset, to, length) == 0;
}

/* The same, without a call where the bytes are in the linear part, as they nearly always are: for what is read of every
 * packet. length: a constant, even; `to` is aligned to words, or to halves of them if it is no whole number of words. */
static __always_inline int weft_load_near(struct __sk_buff *skb, __u32 offset, void *to, __u32 length)
{
	const void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	/* The verifier wants to know how far it is at most. */
	if (offset > WEFT_NEAR || data + offset + length > end)
		return weft_load(skb, offset, to, length);
	if (length % 4)
		for (__u32 i = 0; i < length / 2; i++)
			((__u16 *)to)[i] = ((const __u16 *)(data + offset))[i];
	else
		for (__u32 i = 0; i < length / 4; i++)
			((__u32 *)to)[i] = ((const __u32 *)(data + offset))[i];
	return 1;
}

static __always_inline int weft_same(const struct weft_address *one, const struct weft_address *other)
{
	return one->words[0] == other->words[0] && one->words[1] == other->words[1] && one->words[2] == other->words[2] &&
	       one->words[3] == other->words[3];
}

/* four: in network order. */
static __always_inline struct weft_address weft_mapped(__u32 four)
{
	return (struct weft_address){ .words = { 0, 0, bpf_htonl(0xffff), four } };
}

#endif
