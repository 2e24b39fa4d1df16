/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEFT_JUDGE_H
#define WEFT_JUDGE_H

/* From a packet to its verdict. The order is: what it is, whose it is, for whom it is, what the policy says. Every way
 * out is a reason, or WEFT_PASS. */

#include <linux/pkt_cls.h>

#include "address.h"
#include "binding.h"
#include "drop.h"
#include "flow.h"
#include "fragment.h"
#include "identity.h"
#include "judged.h"
#include "link.h"
#include "neighbour.h"
#include "parse.h"
#include "port.h"
#include "related.h"
#include "tag.h"
#include "translate.h"
#include "verdict.h"

/* The interface's own entry, and the generation, which is read here and nowhere else: the whole judgement is by one. */
static __always_inline int weft_begin(struct __sk_buff *skb, struct weft_case *c)
{
	__u32 zero = 0, interface = skb->ifindex;
	struct weft_attachment *attachment = bpf_map_lookup_elem(&attachments, &interface);
	__u32 *generation = bpf_map_lookup_elem(&current, &zero);
	__u32 *turn = bpf_map_lookup_elem(&bindings_turn, &zero);

	if (!attachment || !generation || !turn)
		return WEFT_DROP_UNREADY;
	c->attachment = *attachment;
	c->generation = *generation;
	/* Before any binding is looked at: what is remembered of this packet is of no later turn than what it was judged by. */
	c->turn = *turn;
	c->interface = interface;
	c->slot = c->generation % WEFT_SLOTS;
	c->scope = c->direction == WEFT_INGRESS ? attachment->number : WEFT_NO_ATTACHMENT;
	/* Who is in no table is the world's: so all of them have to be there. */
	if (!bpf_map_lookup_elem(&sources, &c->slot) || !bpf_map_lookup_elem(&source_prefixes, &c->slot) ||
	    !bpf_map_lookup_elem(&destinations, &c->slot) || !bpf_map_lookup_elem(&destination_prefixes, &c->slot) ||
	    !bpf_map_lookup_elem(&shadows, &c->slot) || !bpf_map_lookup_elem(&identities, &c->slot) ||
	    !bpf_map_lookup_elem(&verdicts, &c->slot) || !bpf_map_lookup_elem(&port_classes, &c->slot))
		return WEFT_DROP_UNREADY;
	return WEFT_PASS;
}

/* Whether the host, which is a peer, says what has become of a packet of another network that it has translated. */
static __always_inline int weft_is_report(const struct weft_case *c)
{
	return c->scope == WEFT_NO_ATTACHMENT && weft_is_error(&c->packet) &&
	       weft_is_seen_by_shadow(c, WEFT_EVERY_NETWORK, &c->packet.destination);
}

/* Who sent it, if it is no peer. From where nobody is policed anybody may speak but peers, whose packets come by interfaces
 * of their own: one who claims to be a peer there is in that scope, or it is not true. */
WEFT_APART int weft_find_stranger(struct weft_case *c, const struct weft_endpoint *speaker)
{
	__u32 network, allowed;
	struct weft_packet *p;
	int reason;

	if (!c || !speaker)
		return WEFT_DROP_SOURCE;
	p = &c->packet;
	/* It is what policies mean by its address, in the eyes of the receiver's network; of which one the receiver is, the
	 * interface knows, or the receiver is the only peer there. */
	network = speaker->flags & WEFT_SHADOW ? speaker->network : c->attachment.network;
	if (!network)
		network = weft_network_of(c, &p->destination);
	reason = weft_end(c, network, &p->destination, &c->destination);
	/* What is said of a packet that was translated, is for somebody there as another network sees them. */
	if (reason && c->destination.flags & WEFT_SHADOW && weft_is_error(p)) {
		network = c->destination.network;
		reason = weft_end(c, network, &p->destination, &c->destination);
	}
	if (!reason && (c->destination.flags & (WEFT_PEER | WEFT_SHADOW)) == WEFT_PEER)
		network = c->destination.network;
	c->met = network;
	c->shadow.source = p->source;
	allowed = WEFT_LOCAL | (speaker->flags & WEFT_SHADOW);
	if (!reason && c->destination.flags & WEFT_SHADOW) {
		if (weft_is_seen_by_shadow(c, c->met, &p->source))
			return WEFT_DROP_SOURCE;
		network = c->destination.network;
		/* Without a shadow it must not be taken for one of the receiver's network; the host may report as who it is. */
		allowed = weft_is_error(p) ? WEFT_LOCAL : 0;
		if (weft_reflect(c, WEFT_BETWEEN(c->met, network), &p->source, &c->shadow.source))
			allowed = WEFT_LOCAL | WEFT_SHADOW;
	}
	/* And nobody speaks by a shadow unless the maps say so. */
	reason = weft_end(c, network, &c->shadow.source, &c->source);
	if (reason || c->source.flags & (WEFT_PEER | WEFT_LOCAL | WEFT_SHADOW) & ~allowed) {
		__builtin_memset(&c->source, 0, sizeof(c->source));
		return WEFT_DROP_SOURCE;
	}
	c->source.flags &= ~WEFT_SHADOW;
	if (speaker->flags & WEFT_SHADOW)
		c->source.flags = weft_with_tag(c->source.flags | WEFT_SHADOW, speaker->flags);
	if (speaker->identity)
		c->source.identity = speaker->identity;
	return WEFT_PASS;
}

/* Who sent it. said: whether the maps say anything of the speaker. On a policed interface only those speak who are in its
 * scope. */
static __always_inline int weft_find_source(struct weft_case *c, int said, const struct weft_endpoint *speaker)
{
	if (said ? !speaker->identity : c->scope != WEFT_NO_ATTACHMENT)
		return WEFT_DROP_SOURCE;
	if (!(speaker->flags & WEFT_PEER))
		return weft_find_stranger(c, speaker);
	c->source = *speaker;
	c->met = weft_is_report(c) ? weft_network_of(c, &c->packet.destination) : speaker->network;
	return WEFT_PASS;
}

/* What the policy says of it, or of what it answers. */
static __always_inline int weft_judge_ends(struct __sk_buff *skb, struct weft_case *c)
{
	struct weft_packet *p = &c->packet;
	struct weft_ruling ruling = {};
	int reason = weft_end(c, c->met, &p->destination, &c->destination) ?: weft_cross(c);

	if (reason)
		return reason;
	weft_ask(c->slot, &c->source, &c->destination, weft_what(p, 0), &ruling);
	if (ruling.reason != WEFT_PASS && (weft_is_reply(c) || weft_is_related(skb, c))) {
		ruling.reason = WEFT_PASS;
	} else {
		c->rule = ruling.rule;
		c->observed = ruling.observed;
		if (weft_passes(&ruling) && !weft_continues(c) && !weft_is_reply(c))
			weft_open(c);
	}
	if (p->more && weft_passes(&ruling))
		weft_remember(c);
	if (ruling.reason == WEFT_PASS)
		weft_note(skb, c);
	return ruling.reason;
}

/* known: what is remembered of packets like it. */
static __always_inline int weft_judge_ip(struct __sk_buff *skb, struct weft_case *c, const struct weft_judged **known)
{
	struct weft_packet *p = &c->packet;
	struct weft_endpoint speaker = {};
	int said, reason = weft_parse(skb, c->network_header, p, 0);

	if (reason)
		return reason;
	*known = weft_was_judged(c);
	if (*known)
		return WEFT_PASS;
	if (weft_is_discovery(p))
		return weft_judge_discovery(skb, c);
	said = weft_speaker(c, &p->source, &speaker);
	if (weft_is_group(&p->destination, p->ethertype))
		return weft_judge_group(c, speaker.identity != 0);
	if (weft_is_martian(&p->source, p->ethertype) || weft_is_group(&p->source, p->ethertype) ||
	    weft_is_martian(&p->destination, p->ethertype))
		return WEFT_DROP_MARTIAN;
	reason = weft_find_source(c, said, &speaker);
	if (!reason && !weft_is_routed(&c->source))
		reason = WEFT_DROP_UNREADY;
	if (!reason && p->part)
		reason = weft_recall(c);
	return reason ?: weft_judge_ends(skb, c);
}

static __always_inline int weft_judge(struct __sk_buff *skb, struct weft_case *c, const struct weft_judged **known)
{
	int reason = weft_begin(skb, c) ?: weft_parse_link(skb, c);

	if (reason)
		return reason;
	if (weft_is_unjudged(skb, c))
		return weft_refuse(skb, c, WEFT_DROP_SOURCE);
	switch (c->packet.ethertype) {
	case ETH_P_IP:
	case ETH_P_IPV6:
		return c->reserved ? weft_refuse(skb, c, WEFT_DROP_MULTICAST) : weft_judge_ip(skb, c, known);
	case ETH_P_ARP:
		return c->reserved ? WEFT_DROP_MULTICAST : weft_judge_arp(skb, c);
	default:
		return WEFT_DROP_ETHERTYPE;
	}
}

/* What the kernel is told. TC_ACT_UNSPEC leaves a packet to programs and filters of others behind ours. flags: of the
 * interface. */
static __always_inline int weft_say(int action, __u32 flags)
{
	return action == TC_ACT_UNSPEC && flags & WEFT_LAST_WORD ? TC_ACT_OK : action;
}

/* Counts what is denied, and lets pass or not. */
static __always_inline int weft_conclude(struct __sk_buff *skb, struct weft_case *c, int reason)
{
	if (reason != WEFT_PASS) {
		weft_count(skb, c, reason);
		if (!c->observed)
			return TC_ACT_SHOT;
	}
	if (c->translated) {
		reason = weft_translate(skb, c);
		if (!reason && weft_is_error(&c->packet))
			reason = weft_translate_quoted(skb, c);
		if (reason) {
			c->observed = 0;
			weft_count(skb, c, reason);
			return TC_ACT_SHOT;
		}
	}
	weft_tag(skb, c);
	return TC_ACT_UNSPEC;
}

#endif
