/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_plan: groups of a queue. Layer: doctor.
 */
#include "doctor/queue_plan.h"

#include "base/jsonw.h"

#include <string.h>

#include "base/poison.h"

#define IDS_SHOWN_MAX 300
#define CHECK_TEXT_SIZE (2 * QUEUE_CHECK_OCTETS + 1)

static const struct {
	const char *name;   /* in the JSON */
	const char *action; /* delete or keep */
	const char *why;
} fates[QUEUE_FATE_COUNT] = {
	[QUEUE_OTHERS] = {"others", "keep", "not of these sources"},
	[QUEUE_OUTSIDE] = {"outside", "keep", "outside of the time window"},
	[QUEUE_OWN] = {"own", "keep", "has nothing in common with the spam: the owner's own mail"},
	[QUEUE_REVIEW] = {"review", "keep",
			  "has something in common with the spam, not enough: look at it"},
	[QUEUE_CHOICE] = {"choice", "keep",
			  "a run of mail, and nothing says that it is the spam: --group takes it"},
	[QUEUE_BOUNCE] = {"bounces", "delete", "bounces of the spam"},
	[QUEUE_SPAM] =
		{"spam", "delete",
		 "shares two or more of link, subject, wording, sender, script, form, network"},
};

bool queue_fate_goes(uint8_t fate)
{
	return fate == QUEUE_SPAM || fate == QUEUE_BOUNCE;
}

/* ---- summing ---- */

static bool is_of(const struct queue_group *g, const struct queue_item *it, uint32_t source)
{
	return g->fate == it->fate && g->source == source &&
	       ((g->fate != QUEUE_SPAM && g->fate != QUEUE_CHOICE) || g->campaign == it->campaign);
}

static struct queue_group *group_of(struct queue_plan *p, const struct queue_item *it)
{
	bool is_shared = it->fate == QUEUE_OTHERS || it->fate == QUEUE_BOUNCE;
	uint32_t source = is_shared ? QUEUE_NO_SOURCE : it->source;

	for (size_t i = 0; i < p->group_count; i++) {
		if (is_of(&p->groups[i], it, source)) {
			return &p->groups[i];
		}
	}
	if (p->group_count == QUEUE_GROUPS_MAX) {
		return NULL; /* counted in the totals alone */
	}
	struct queue_group *g = &p->groups[p->group_count++];
	*g = (struct queue_group){.fate = (enum queue_fate)it->fate,
				  .source = source,
				  .campaign = it->campaign,
				  .oldest = it->arrival,
				  .newest = it->arrival};
	return g;
}

static void add_subject(struct queue_group *g, struct str subject)
{
	if (subject.len == 0 || g->subject_count == QUEUE_SUBJECTS_MAX) {
		return;
	}
	for (size_t i = 0; i < g->subject_count; i++) {
		if (str_is_equal(g->subjects[i], subject)) {
			return;
		}
	}
	g->subjects[g->subject_count++] = subject;
}

static char *check_format(const uint8_t check[static QUEUE_CHECK_OCTETS],
			  char ret[static CHECK_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < QUEUE_CHECK_OCTETS; i++) {
		ret[2 * i] = digits[check[i] >> 4];
		ret[2 * i + 1] = digits[check[i] & 15];
	}
	ret[CHECK_TEXT_SIZE - 1] = '\0';
	return ret;
}

/* What goes first, and of that the most. */
static bool comes_before(const struct queue_group *a, const struct queue_group *b)
{
	return a->fate != b->fate ? a->fate > b->fate : a->messages > b->messages;
}

static void sort_groups(struct queue_plan *p)
{
	for (size_t i = 1; i < p->group_count; i++) {
		struct queue_group g = p->groups[i];
		size_t at = i;
		while (at > 0 && comes_before(&g, &p->groups[at - 1])) {
			p->groups[at] = p->groups[at - 1];
			at--;
		}
		p->groups[at] = g;
	}
}

void queue_plan_sum(struct queue_plan *p)
{
	struct sha256 h;
	uint8_t hash[SHA256_OCTETS];
	char check[CHECK_TEXT_SIZE];

	p->group_count = 0;
	p->goes = 0;
	p->goes_rcpts = 0;
	p->choices = 0;
	sha256_init(&h);
	for (size_t i = 0; i < p->list->count; i++) {
		const struct queue_item *it = &p->list->items[i];
		const struct queue_info *in = &p->list->infos[i];
		struct queue_group *g = group_of(p, it);
		if (g != NULL) {
			p->choices += g->messages == 0 && g->fate == QUEUE_CHOICE ? 1 : 0;
			g->messages++;
			g->rcpts += it->rcpts;
			g->bytes += in->size_bytes;
			g->oldest = it->arrival.ns < g->oldest.ns ? it->arrival : g->oldest;
			g->newest = it->arrival.ns > g->newest.ns ? it->arrival : g->newest;
			add_subject(g, in->subject);
		}
		if (queue_fate_goes(it->fate)) {
			p->goes++;
			p->goes_rcpts += it->rcpts;
			sha256_add(&h, in->id.ptr, in->id.len);
			sha256_add(&h, " ", 1);
			sha256_add(&h, check_format(in->check, check), CHECK_TEXT_SIZE - 1);
			sha256_add(&h, "\n", 1);
		}
	}
	sha256_end(&h, hash);
	(void)sha256_format(hash, p->list_hash);
	sort_groups(p);
}

/* ---- JSON ---- */

static void write_group(struct jsonw *w, const struct queue_plan *p, const struct queue_group *g)
{
	const struct queue_source *s = g->source == QUEUE_NO_SOURCE ? NULL
								    : p->list->sources[g->source];

	jsonw_object(w, NULL);
	jsonw_cstr(w, "name", fates[g->fate].name);
	jsonw_cstr(w, "action", fates[g->fate].action);
	jsonw_cstr(w, "why", fates[g->fate].why);
	if (g->fate == QUEUE_CHOICE) {
		jsonw_u64(w, "number", g->campaign);
	} else {
		jsonw_null(w, "number");
	}
	jsonw_cstr(w, "kind", s == NULL ? NULL : source_kind_name(s->kind));
	jsonw_cstr(w, "source", s == NULL ? NULL : s->name);
	jsonw_u64(w, "messages", g->messages);
	jsonw_u64(w, "recipients", g->rcpts);
	jsonw_u64(w, "bytes", g->bytes);
	jsonw_time(w, "oldest", g->oldest);
	jsonw_time(w, "newest", g->newest);
	jsonw_array(w, "subjects");
	for (size_t i = 0; i < g->subject_count; i++) {
		jsonw_str(w, NULL, g->subjects[i]);
	}
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void write_messages(struct jsonw *w, const struct queue_plan *p)
{
	char check[CHECK_TEXT_SIZE];

	jsonw_array(w, "messages");
	for (size_t i = 0; i < p->list->count; i++) {
		const struct queue_item *it = &p->list->items[i];
		const struct queue_info *in = &p->list->infos[i];
		if (!queue_fate_goes(it->fate)) {
			continue;
		}
		jsonw_object(w, NULL);
		jsonw_str(w, "id", in->id);
		jsonw_cstr(w, "queue", in->is_frozen ? "frozen" : in->place);
		jsonw_time(w, "arrival", it->arrival);
		jsonw_str(w, "sender", in->sender);
		jsonw_cstr(w, "check", check_format(in->check, check));
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_sources(struct jsonw *w, const struct queue_plan *p)
{
	jsonw_array(w, "sources");
	for (size_t i = 0; i < p->list->source_count; i++) {
		const struct queue_source *s = p->list->sources[i];
		if (!p->accused[i]) {
			continue;
		}
		jsonw_object(w, NULL);
		jsonw_cstr(w, "kind", source_kind_name(s->kind));
		jsonw_cstr(w, "name", s->name);
		jsonw_u64(w, "messages", s->messages);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void write_time_or_null(struct jsonw *w, const char *key, struct wall t)
{
	if (t.ns == 0) {
		jsonw_null(w, key);
	} else {
		jsonw_time(w, key, t);
	}
}

void queue_plan_json(const struct queue_plan *p, struct buf *out)
{
	struct jsonw w = jsonw_of(out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "queue_plan");
	jsonw_u64(&w, "version", 1);
	jsonw_cstr(&w, "mta", queue_mta_name(p->dir->mta));
	jsonw_cstr(&w, "queue", p->dir->path);
	jsonw_bool(&w, "copy", p->root[0] != '\0');
	jsonw_time(&w, "made_at", p->made_at);
	write_time_or_null(&w, "since", p->since);
	write_time_or_null(&w, "until", p->until);
	write_sources(&w, p);
	jsonw_array(&w, "groups");
	for (size_t i = 0; i < p->group_count; i++) {
		write_group(&w, p, &p->groups[i]);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "goes", p->goes);
	jsonw_u64(&w, "recipients", p->goes_rcpts);
	jsonw_u64(&w, "stays", p->list->count + p->list->left_out - p->goes);
	jsonw_u64(&w, "unread", p->list->unread);
	jsonw_cstr(&w, "backup", p->backup);
	jsonw_cstr(&w, "list_hash", p->list_hash);
	write_messages(&w, p);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

/* ---- words ---- */

static void print_group(const struct queue_plan *p, const struct queue_group *g, struct buf *out)
{
	char oldest[WALL_TEXT_SIZE];
	char newest[WALL_TEXT_SIZE];

	buf_printf(out, "%s  %8llu messages, %llu recipients",
		   queue_fate_goes((uint8_t)g->fate) ? "GOES " : "stays",
		   (unsigned long long)g->messages, (unsigned long long)g->rcpts);
	if (g->source != QUEUE_NO_SOURCE) {
		const struct queue_source *s = p->list->sources[g->source];
		buf_printf(out, " of %s ", source_kind_name(s->kind));
		buf_add_plain(out, str_of(s->name));
	}
	buf_printf(out, "\n       %s", fates[g->fate].name);
	if (g->fate == QUEUE_CHOICE) {
		buf_printf(out, " %u", g->campaign);
	}
	buf_printf(out, ": %s\n       from %s to %s\n", fates[g->fate].why,
		   wall_format(g->oldest, oldest), wall_format(g->newest, newest));
	for (size_t i = 0; i < g->subject_count && g->fate != QUEUE_OTHERS; i++) {
		buf_add(out, STR("       Subject: "));
		buf_add_plain(out, g->subjects[i]);
		buf_add_char(out, '\n');
	}
}

static void print_ids(const struct queue_plan *p, struct buf *out)
{
	size_t shown = 0;

	for (size_t i = 0; i < p->list->count && shown < IDS_SHOWN_MAX; i++) {
		if (queue_fate_goes(p->list->items[i].fate)) {
			buf_add_char(out, shown % 6 == 0 ? '\n' : ' ');
			buf_add_plain(out, p->list->infos[i].id);
			shown++;
		}
	}
	buf_add(out, p->goes > shown ? STR("\n… all of them are in the plan's file, under "
					   "\"messages\"\n")
				     : STR("\n"));
}

static void print_by_hand(const struct queue_plan *p, struct buf *out)
{
	if (p->goes == 0 || p->dir->mta == LOG_MTA_POSTFIX || p->dir->mta == LOG_MTA_EXIM) {
		return;
	}
	if (p->dir->mta == LOG_MTA_QMAIL) {
		buf_add(out,
			STR("For qmail this is done by hand: stop qmail-send (not with SIGKILL) "
			    "and wait "
			    "for its end; for each\nmessage number N of the list remove mess/*/N, "
			    "info/*/N, local/*/N, remote/*/N and bounce/N; start it again.\n"));
	} else if (p->dir->mta == LOG_MTA_SENDMAIL) {
		buf_add(out, STR("For sendmail this is done by hand: for each ID of the list "
				 "sendmail -Q\"spam\" -qIID sets it aside;\nor stop sendmail and "
				 "remove qfID and dfID. Look into /var/spool/clientmqueue too.\n"));
	}
	print_ids(p, out);
}

void queue_plan_text(const struct queue_plan *p, struct buf *out)
{
	buf_printf(out, "%s queue %s: %zu messages\n\n", queue_mta_name(p->dir->mta), p->dir->path,
		   p->list->count);
	for (size_t i = 0; i < p->group_count; i++) {
		print_group(p, &p->groups[i], out);
	}
	if (p->list->left_out + p->list->unread > 0) {
		buf_printf(out,
			   "%llu more were not looked at and %llu files could not be read: they "
			   "stay.\n",
			   (unsigned long long)p->list->left_out,
			   (unsigned long long)p->list->unread);
	}
	buf_printf(out, "\n%llu of %zu messages go.\n", (unsigned long long)p->goes,
		   p->list->count);
	if (p->choices > 0) {
		buf_printf(out,
			   "%zu run%s of mail stay%s, because nothing says whether it is the spam "
			   "or the owner's.\nName a message that was complained about (--id ID), "
			   "give the letter (--notice FILE),\nor look at the subjects and choose: "
			   "--group NUMBER.\n",
			   p->choices, p->choices == 1 ? "" : "s", p->choices == 1 ? "s" : "");
	}
	print_by_hand(p, out);
}
