#include "verbs.h"

#include "diag.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_codes(const void *a, const void *b)
{
	return strcmp(diag_name(*(const enum diag_code *)a),
		      diag_name(*(const enum diag_code *)b));
}

/* By their names: those of one kind lie together. */
static enum status list_codes(void)
{
	enum diag_code codes[DIAG_CODES];

	for (int i = 0; i < DIAG_CODES; i++)
		codes[i] = (enum diag_code)i;
	qsort(codes, DIAG_CODES, sizeof(*codes), compare_codes);
	for (int i = 0; i < DIAG_CODES; i++)
		printf("%s  %s\n", diag_name(codes[i]), diag_title(codes[i]));
	return STATUS_OK;
}

static enum status run_explain(struct call *call)
{
	enum diag_code code;

	if (call->operand_count == 0)
		return list_codes();
	if (!diag_find(call->operands[0], &code))
		return report_usage(call,
				    "no code '%s'; 'explain' alone lists all",
				    call->operands[0]);
	printf("%s: %s\n\n%s", diag_name(code), diag_title(code),
	       diag_explanation(code));
	return STATUS_OK;
}

const struct verb verb_explain = {
	.name = "explain",
	.operands = "[CODE]",
	.summary = "Explain an error code, or list them all",
	.text = "Each error and warning ends with a code in brackets. explain "
		"says what it means, why it matters to a machine that boots, "
		"and the way out. A code never changes its meaning.",
	.run = run_explain,
	.examples =
		(const struct example[]){
			{ "ipxe-embed explain E310", "What E310 means." },
			{ 0 },
		},
};
