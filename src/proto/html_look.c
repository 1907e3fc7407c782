/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_look: the few declarations of CSS that hide text. Layer: proto (pure).
 */
#include "proto/html_look.h"

#include "base/num.h"

#include "base/poison.h"

/* Colours that differ by this much or less in each channel cannot be told apart. */
#define COLOR_NEAR 12
/* Sizes up to this cannot be read: two pixels or points, in millionths. */
#define TINY_MICRO 2000000

struct html_look html_look_start(void)
{
	return (struct html_look){.color = 0, .background = 0xffffff};
}

static uint32_t hex_parse(struct str s)
{
	uint64_t v;

	if ((s.len != 3 && s.len != 6) || num_parse_hex(s, 0xffffff, &v) < 0) {
		return HTML_COLOR_NONE;
	}
	if (s.len == 3) {
		v = (v & 0xf00) << 8 | (v & 0xf0) << 4 | (v & 0xf);
		v |= v << 4;
	}
	return (uint32_t)v;
}

/* "1, 2, 3" or "1 2 3 / .5": an alpha under .1 is no colour one can see. */
static uint32_t rgb_parse(struct str s)
{
	uint32_t rgb = 0;

	for (int i = 0; i < 3; i++) {
		int64_t micro;
		size_t n = 0;
		s = str_trim(s);
		while (n < s.len && (char_is_digit(s.ptr[n]) || s.ptr[n] == '.')) {
			n++;
		}
		if (num_parse_micro(str_head(s, n), &micro) < 0) {
			return HTML_COLOR_NONE;
		}
		int64_t v = micro / 1000000;
		rgb = rgb << 8 | (uint32_t)(v > 255 ? 255 : v);
		s = str_trim(str_skip(s, n));
		s = s.len > 0 && s.ptr[0] == ',' ? str_skip(s, 1) : s;
	}
	return rgb;
}

uint32_t html_color_parse(struct str s)
{
	static const struct {
		struct str name;
		uint32_t rgb;
	} names[] = {
		{{"white", 5}, 0xffffff},       {{"black", 5}, 0x000000},
		{{"red", 3}, 0xff0000},         {{"blue", 4}, 0x0000ff},
		{{"green", 5}, 0x008000},       {{"gray", 4}, 0x808080},
		{{"grey", 4}, 0x808080},        {{"yellow", 6}, 0xffff00},
		{{"navy", 4}, 0x000080},        {{"silver", 6}, 0xc0c0c0},
		{{"maroon", 6}, 0x800000},      {{"orange", 6}, 0xffa500},
		{{"purple", 6}, 0x800080},      {{"teal", 4}, 0x008080},
		{{"lime", 4}, 0x00ff00},        {{"aqua", 4}, 0x00ffff},
		{{"fuchsia", 7}, 0xff00ff},     {{"snow", 4}, 0xfffafa},
		{{"ivory", 5}, 0xfffff0},       {{"whitesmoke", 10}, 0xf5f5f5},
		{{"ghostwhite", 10}, 0xf8f8ff},
	};

	s = str_trim(s);
	if (s.len > 0 && s.ptr[0] == '#') {
		return hex_parse(str_skip(s, 1));
	}
	if (str_has_prefix_nocase(s, STR("rgb"))) {
		size_t open = str_find_char(s, '(');
		return rgb_parse(str_skip(s, open + 1));
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_is_equal_nocase(s, names[i].name)) {
			return names[i].rgb;
		}
	}
	return hex_parse(s); /* <font color=ffffff> */
}

/* A number with its unit. @return false: it is something else. */
static bool size_parse(struct str s, int64_t *ret_micro, struct str *ret_unit)
{
	size_t n = 0;

	while (n < s.len && (char_is_digit(s.ptr[n]) || s.ptr[n] == '.' || s.ptr[n] == '-')) {
		n++;
	}
	*ret_unit = str_trim(str_skip(s, n));
	return n > 0 && num_parse_micro(str_head(s, n), ret_micro) == 0;
}

static bool is_zero(struct str s)
{
	int64_t micro;
	struct str unit;

	return size_parse(s, &micro, &unit) && micro <= 0;
}

static void font_size_add(struct html_look *look, struct str value)
{
	int64_t micro;
	struct str unit;

	if (!size_parse(value, &micro, &unit)) {
		look->is_tiny = false; /* "small", "medium" */
		return;
	}
	bool is_absolute = unit.len == 0 || str_has_prefix_nocase(unit, STR("p"));
	look->is_tiny = is_absolute ? micro <= TINY_MICRO : micro <= TINY_MICRO / 20;
}

static void background_add(struct html_look *look, struct str value)
{
	/* The colour is one of the words; an image makes it unknown. */
	if (str_find_nocase(value, STR("url(")) < value.len ||
	    str_find_nocase(value, STR("gradient")) < value.len) {
		look->background = HTML_COLOR_NONE;
		return;
	}
	uint32_t color = html_color_parse(value);
	while (color == HTML_COLOR_NONE && value.len > 0) {
		value = str_trim(value);
		color = html_color_parse(str_take_until(&value, ' '));
	}
	if (color != HTML_COLOR_NONE) {
		look->background = color;
	}
}

/* Declarations about which it is decided at the end: zero height hides with overflow:hidden. */
struct box {
	bool is_flat;
	bool is_clipped;
};

static void declaration_add(struct html_look *look, struct box *box, struct str name,
			    struct str value)
{
	bool is_none = str_has_prefix_nocase(value, STR("none"));
	bool is_hidden = str_has_prefix_nocase(value, STR("hidden"));

	switch (char_lower(name.ptr[0])) {
	case 'b':
		if (str_is_equal_nocase(name, STR("background")) ||
		    str_is_equal_nocase(name, STR("background-color"))) {
			background_add(look, value);
		}
		break;
	case 'c':
		if (str_is_equal_nocase(name, STR("color"))) {
			look->color = html_color_parse(value);
		}
		break;
	case 'd':
		look->is_hidden |= is_none && str_is_equal_nocase(name, STR("display"));
		break;
	case 'f':
		if (str_is_equal_nocase(name, STR("font-size"))) {
			font_size_add(look, value);
		}
		break;
	case 'h':
	case 'w':
		box->is_flat |= is_zero(value) && (str_is_equal_nocase(name, STR("height")) ||
						   str_is_equal_nocase(name, STR("width")));
		break;
	case 'm':
		box->is_flat |= is_zero(value) && (str_is_equal_nocase(name, STR("max-height")) ||
						   str_is_equal_nocase(name, STR("max-width")));
		look->is_hidden |= str_is_equal_nocase(name, STR("mso-hide")) &&
				   str_has_prefix_nocase(value, STR("all"));
		break;
	case 'o':
		box->is_clipped |= is_hidden && str_is_equal_nocase(name, STR("overflow"));
		look->is_hidden |= is_zero(value) && str_is_equal_nocase(name, STR("opacity"));
		break;
	case 'v':
		look->is_hidden |= is_hidden && str_is_equal_nocase(name, STR("visibility"));
		break;
	default:
		break;
	}
}

void html_look_add_style(struct html_look *look, struct str style)
{
	struct box box = {0};

	while (style.len > 0) {
		struct str value = str_take_until(&style, ';');
		size_t colon = str_find_char(value, ':');
		if (colon == value.len) {
			continue;
		}
		struct str name = str_trim(str_take(&value, colon));
		if (name.len > 0) {
			declaration_add(look, &box, name, str_trim(str_skip(value, 1)));
		}
	}
	look->is_hidden |= box.is_flat && box.is_clipped;
}

static bool is_near(uint32_t a, uint32_t b)
{
	for (int shift = 0; shift < 24; shift += 8) {
		int x = (int)(a >> shift & 0xff);
		int y = (int)(b >> shift & 0xff);
		if (x - y > COLOR_NEAR || y - x > COLOR_NEAR) {
			return false;
		}
	}
	return true;
}

bool html_look_is_visible(const struct html_look *look)
{
	if (look->is_hidden || look->is_tiny) {
		return false;
	}
	return look->color == HTML_COLOR_NONE || look->background == HTML_COLOR_NONE ||
	       !is_near(look->color, look->background);
}
