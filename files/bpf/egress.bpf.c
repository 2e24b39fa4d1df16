// SPDX-License-Identifier: GPL-3.0-or-later
/* tc egress of a policed interface, by TCX or clsact: judges what no ingress hook has judged, that is what the host itself
 * sends, and what came in by an interface that is not policed. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lib/judge.h"

SEC("tc")
int weft_egress(struct __sk_buff *skb)
{
	int verdict = TC_ACT_UNSPEC;

	if (!weft_is_judged(skb)) {
		/* Not before: all of it is set to zero. */
		struct weft_case c = { .direction = WEFT_EGRESS };
		const struct weft_judged *known = 0;

		verdict = weft_conclude(skb, &c, weft_judge(skb, &c, &known));
	}
	return weft_say(verdict, weft_untag(skb));
}

char LICENSE[] SEC("license") = "GPL";
