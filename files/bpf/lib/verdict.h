/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_VERDICT_H
#define WEFT_VERDICT_H

/* What the policy says of two classes and a port. Three lookups at most, however many rules there are. */

#include "maps.h"
#include "packet.h"

/* observed: it is denied, and passes all the same, recorded. */
struct weft_ruling {
	__u32 rule;
	__u16 reason; /* WEFT_PASS: allowed */
	__u16 observed;
};

static __always_inline int weft_passes(const struct weft_ruling *ruling)
{
	return ruling->reason == WEFT_PASS || ruling->observed;
}

/* Ports that no rule tells apart are one class; other protocols say by themselves what `port` is. */
static __always_inline __u16 weft_port_class(struct weft_port_classes *classes, __u8 protocol, __u16 port)
{
	switch (protocol) {
	case WEFT_TCP:
		return classes->tcp[port];
	case WEFT_UDP:
		return classes->udp[port];
	case WEFT_SCTP:
		return classes->sctp[port];
	default:
		return port;
	}
}

static __always_inline struct weft_verdict *weft_line(void *lines, __u32 source, __u32 destination, __u8 protocol,
						      __u16 port)
{
	struct weft_pair key = { .source = source, .destination = destination, .port = port, .protocol = protocol };

	return bpf_map_lookup_elem(lines, &key);
}

/* port: of the destination, or the type of an ICMP message; 0 for protocols that have neither. */
WEFT_APART int weft_ask(__u32 slot, const struct weft_endpoint *source, const struct weft_endpoint *destination,
			       __u32 what, struct weft_ruling *ruling)
{
	__u8 protocol = what >> 16;
	__u16 port = what;
	struct weft_port_classes *classes;
	struct weft_verdict *line;
	void *lines, *ports;
	__u32 zero = 0;

	if (!source || !destination || !ruling)
		return 0;
	ruling->rule = 0;
	ruling->observed = 0;
	ruling->reason = WEFT_PASS;
	if (!((source->flags | destination->flags) & WEFT_PEER))
		return 0;
	ruling->reason = WEFT_DROP_UNREADY;
	lines = bpf_map_lookup_elem(&verdicts, &slot);
	ports = bpf_map_lookup_elem(&port_classes, &slot);
	if (!lines || !ports)
		return 0;
	classes = bpf_map_lookup_elem(ports, &zero);
	if (!classes)
		return 0;
	line = weft_line(lines, source->class, destination->class, protocol, weft_port_class(classes, protocol, port));
	if (!line)
		line = weft_line(lines, source->class, destination->class, WEFT_ANY_PROTOCOL, protocol);
	if (!line)
		line = weft_line(lines, source->class, destination->class, WEFT_ANY_PROTOCOL, 0);
	if (!line) {
		ruling->reason = WEFT_DROP_NO_RULE;
		ruling->observed = (source->flags & WEFT_OBSERVES_EGRESS) && (destination->flags & WEFT_OBSERVES_INGRESS);
		return 0;
	}
	ruling->rule = line->rule;
	ruling->observed = line->verdict != WEFT_ALLOW && line->observed;
	ruling->reason = line->verdict == WEFT_ALLOW ? WEFT_PASS : line->rule ? WEFT_DROP_RULE : WEFT_DROP_NO_RULE;
	return 0;
}

#endif
