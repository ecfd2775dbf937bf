#include "report.h"

#include "diag.h"
#include "quote.h"

#include <stdio.h>

enum status report_diags(const struct call *call, struct diags *ds)
{
	struct sbuf out = { 0 };

	diags_sort(ds);
	if (call->error_format == ERROR_FORMAT_JSON)
		diags_render_json(ds, &out);
	else
		diags_render(ds, call->colour, &out);
	fwrite(sbuf_text(&out), 1, out.len, stderr);
	sbuf_release(&out);
	return ds->errors ? STATUS_INPUT : STATUS_OK;
}

struct severity {
	const char *name, *colour;
};

static const struct severity error = { "error", "\033[1;31m" };
static const struct severity warning = { "warning", "\033[1;35m" };

static void say_json(const struct severity *severity, const char *message)
{
	struct sbuf out = { 0 };

	sbuf_printf(&out,
		    "{\"errors\": %d, \"warnings\": %d, \"diagnostics\": [\n"
		    "  {\"severity\": \"%s\", \"message\": ",
		    severity == &error, severity == &warning, severity->name);
	quote_json(&out, text_of(message));
	sbuf_puts(&out, ", \"notes\": []}\n]}\n");
	fwrite(sbuf_text(&out), 1, out.len, stderr);
	sbuf_release(&out);
}

static void say(const struct call *call, const struct severity *severity,
		const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void say(const struct call *call, const struct severity *severity,
		const char *format, va_list args)
{
	struct sbuf message = { 0 };

	sbuf_vprintf(&message, format, args);
	if (call->error_format == ERROR_FORMAT_JSON)
		say_json(severity, sbuf_text(&message));
	else
		fprintf(stderr, "%s: %s%s:%s %s\n", call->program->name,
			call->colour ? severity->colour : "", severity->name,
			call->colour ? "\033[0m" : "", sbuf_text(&message));
	sbuf_release(&message);
}

enum status report_failure(const struct call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(call, &error, format, args);
	va_end(args);
	return STATUS_MACHINE;
}

enum status report_error(const struct call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(call, &error, format, args);
	va_end(args);
	return STATUS_INPUT;
}

void report_warning(const struct call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(call, &warning, format, args);
	va_end(args);
}

enum status report_usage(const struct call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(call, &error, format, args);
	va_end(args);
	if (call->error_format == ERROR_FORMAT_HUMAN)
		fprintf(stderr, "Try '%s%s%s --help'.\n", call->program->name,
			call->verb ? " " : "",
			call->verb ? call->verb->name : "");
	return STATUS_USAGE;
}
