// SPDX-License-Identifier: GPL-3.0-or-later
/* tc ingress of a policed interface, by TCX or clsact: judges whatever comes in there. The mark that it comes with is of no
 * account. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lib/judge.h"

SEC("tc")
int weft_ingress(struct __sk_buff *skb)
{
	struct weft_case c = { .direction = WEFT_INGRESS };
	const struct weft_judged *known = 0;
	int action;

	if (weft_comes_through_port(skb))
		return TC_ACT_UNSPEC;
	action = weft_conclude(skb, &c, weft_judge(skb, &c, &known));
	if (known && action == TC_ACT_UNSPEC)
		action = weft_forward(skb, &c, known);
	return weft_say(action, c.attachment.flags);
}

char LICENSE[] SEC("license") = "GPL";
