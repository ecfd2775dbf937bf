#include "quote.h"

#include "utf8.h"

void quote_json(struct sbuf *out, struct text text)
{
	const unsigned char *s = (const unsigned char *)text.ptr;

	sbuf_putc(out, '"');
	for (size_t i = 0; i < text.len;) {
		size_t len = utf8_sequence(text.ptr + i, text.len - i);

		if (!len) {
			sbuf_puts(out, "\\ufffd");
			len = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			sbuf_printf(out, "\\%c", s[i]);
		} else if (utf8_is_control(text.ptr + i, len)) {
			sbuf_printf(out, "\\u%04x", s[i + len - 1]);
		} else {
			sbuf_add(out, s + i, len);
		}
		i += len;
	}
	sbuf_putc(out, '"');
}

void quote_roff(struct sbuf *out, struct text text)
{
	bool line_begins = true;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (line_begins && (c == '.' || c == '\''))
			sbuf_puts(out, "\\&");
		if (c == '\\')
			sbuf_puts(out, "\\e");
		else if (c == '-')
			sbuf_puts(out, "\\-");
		else if (c == '\'')
			sbuf_puts(out, "\\(aq");
		else
			sbuf_putc(out, c);
		line_begins = c == '\n';
	}
}

const char *quote_ipxe_refusal(struct text token)
{
	if (!token.len)
		return "is empty";
	for (size_t i = 0; i < token.len; i++) {
		unsigned char c = (unsigned char)token.ptr[i];

		if (c > ' ' && c < 0x7f && c != '$')
			continue;
		if (c == '\n' || c == '\r')
			return "holds a line end, and iPXE scripts cannot "
			       "quote one";
		if (c == ' ' || c == '\t')
			return "holds white space, where iPXE would split it";
		if (utf8_is_control(token.ptr + i, token.len - i))
			return "holds a control character";
		if (c == '$' && i + 1 < token.len && token.ptr[i + 1] == '{')
			return "holds \"${\", which iPXE would expand";
	}
	if (token.ptr[0] == '#')
		return "begins with \"#\", where iPXE would see a comment";
	if (text_is(token, "&&") || text_is(token, "||") || text_is(token, ";"))
		return "is an operator of iPXE";
	if (token.ptr[token.len - 1] == '\\')
		return "ends in a backslash, which joins lines in iPXE";
	return NULL;
}

void quote_ipxe(struct sbuf *out, struct text token)
{
	sbuf_add(out, token.ptr, token.len);
}

void quote_ipxe_prose(struct sbuf *out, struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool good = c >= 0x20 && c <= 0x7e && c != '$' && c != '\\' &&
			    c != '|' && c != '&' && c != ';' && c != '#';

		sbuf_putc(out, good ? c : '?');
	}
}

void quote_uristring(struct sbuf *out, struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= 0x20 || c > 0x7e || strchr("%/#:@?=&", c))
			sbuf_printf(out, "%%%02X", c);
		else
			sbuf_putc(out, (char)c);
	}
}
