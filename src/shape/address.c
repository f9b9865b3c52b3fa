#include "shape/address.h"

#define LABEL_MAX	63
#define DOMAIN_MAX	253

static bool
is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool
address_is_label(struct slice l)
{
	if (l.len == 0 || l.len > LABEL_MAX || l.s[0] == '-' ||
	    l.s[l.len - 1] == '-')
		return false;
	for (size_t i = 0; i < l.len; i++)
		if (!is_letter_or_digit(l.s[i]) && l.s[i] != '-' &&
		    l.s[i] != '_')
			return false;
	return true;
}

/* Names between dots, none of them empty. */
static bool
is_domain(struct slice d)
{
	if (d.len > DOMAIN_MAX)
		return false;
	for (;;) {
		const char *dot = d.len == 0 ? NULL :
		    memchr(d.s, '.', d.len);
		struct slice label = { d.s,
		    dot == NULL ? d.len : (size_t)(dot - d.s) };

		if (!address_is_label(label))
			return false;
		if (dot == NULL)
			return true;
		d.s += label.len + 1;
		d.len -= label.len + 1;
	}
}

/* RFC 5322, atext; the dots and the @ between are asked elsewhere. */
static const char *
character_fault(unsigned char c)
{
	if (c >= 0x80)
		return "has a letter beyond ASCII in it, and SMTPUTF8 is not "
		    "spoken here; a domain can be written in its punycode "
		    "form, which begins with xn--";
	if (c == ' ')
		return "has a blank in it";
	if (c < ' ' || c == 0x7f)
		return "has a control character in it";
	if (c == ',' || c == ';')
		return "must be one address; give each as an item of its own";
	if (strchr("<>\"()", c) != NULL)
		return "must be the address alone, without a name or < >";
	if (strchr("[]:\\", c) != NULL)
		return "has a character in it that no address has";
	return NULL;
}

const char *
address_part_fault(struct slice s, size_t *at)
{
	const char *fault;

	for (*at = 0; *at < s.len; ++*at) {
		fault = character_fault((unsigned char)s.s[*at]);
		if (fault != NULL)
			return fault;
	}
	*at = 0;
	return NULL;
}

static bool
has_stray_dot(struct slice local)
{
	return local.s[0] == '.' || local.s[local.len - 1] == '.' ||
	    memmem(local.s, local.len, "..", 2) != NULL;
}

const char *
address_fault(struct slice s, size_t *at)
{
	const char *fault = address_part_fault(s, at);
	const char *sign;
	struct slice local, domain;

	if (fault != NULL)
		return fault;
	if (s.len > ADDRESS_MAX)
		return "is longer than 254 bytes";
	sign = s.len == 0 ? NULL : memchr(s.s, '@', s.len);
	if (sign == NULL || sign != memrchr(s.s, '@', s.len))
		return "must be a mail address like ops@example.com";
	local = (struct slice){ s.s, (size_t)(sign - s.s) };
	domain = (struct slice){ sign + 1, s.len - local.len - 1 };
	if (local.len == 0)
		return "has nothing before its @";
	if (local.len > ADDRESS_LOCAL_MAX)
		return "has more than 64 bytes before its @";
	if (has_stray_dot(local))
		return "has a dot before its @ that stands at an end or next "
		    "to another";
	if (!is_domain(domain)) {
		*at = local.len + 1;
		return "has no valid domain: names between dots are 1 to 63 "
		    "letters, digits and -, with no - at either end";
	}
	return NULL;
}
