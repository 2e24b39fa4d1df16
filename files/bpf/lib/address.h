/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

/* What an address is by itself, whoever has it. */

#include "packet.h"

static __always_inline __u8 weft_byte(const struct weft_address *address, int number)
{
	return ((const __u8 *)address->words)[number];
}

/* :: or 0.0.0.0: who has no address yet. */
static __always_inline int weft_is_unspecified(const struct weft_address *address, __u16 ethertype)
{
	if (ethertype == ETH_P_IP)
		return !address->words[3];
	return !address->words[0] && !address->words[1] && !address->words[2] && !address->words[3];
}

static __always_inline int weft_is_link_local(const struct weft_address *address)
{
	return (address->words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Multicast of either family, and IPv4's broadcast to everybody. */
static __always_inline int weft_is_group(const struct weft_address *address, __u16 ethertype)
{
	if (ethertype == ETH_P_IPV6)
		return weft_byte(address, 0) == 0xff;
	return (weft_byte(address, 12) & 0xf0) == 0xe0 || address->words[3] == 0xffffffff;
}

/* What neither a sender nor a receiver on a wire has: 0.0.0.0/8, 127.0.0.0/8 and 240.0.0.0/4 (RFC 6890); all of ::/80,
 * that is ::, ::1 and IPv4 in disguise, whose spelling in the maps is that of IPv4 itself; and link-local addresses of
 * IPv6, which mean somebody else on each link, so that no identity can have them. */
static __always_inline int weft_is_martian(const struct weft_address *address, __u16 ethertype)
{
	__u8 first = weft_byte(address, 12);

	if (ethertype == ETH_P_IP)
		return first == 0 || first == 127 || first >= 240;
	return (!address->words[0] && !address->words[1] && !(address->words[2] & bpf_htonl(0xffff0000))) ||
	       weft_is_link_local(address);
}

#endif
