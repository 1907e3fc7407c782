/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list: an intrusive doubly linked list; the element embeds a `struct list`. Layer: base.
 *
 * The head is a `struct list` too, made with list_init. An element not on a list is all zero
 * or has been removed with list_remove.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

static inline void list_init(struct list *head)
{
	head->prev = head;
	head->next = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_is_linked(const struct list *item)
{
	return item->next != NULL;
}

static inline void list_insert_after(struct list *at, struct list *item)
{
	item->prev = at;
	item->next = at->next;
	at->next->prev = item;
	at->next = item;
}

static inline void list_push_front(struct list *head, struct list *item)
{
	list_insert_after(head, item);
}

static inline void list_push_back(struct list *head, struct list *item)
{
	list_insert_after(head->prev, item);
}

static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->prev = NULL;
	item->next = NULL;
}

/* Walk; `next` is kept aside so that the body may remove the element. */
#define LIST_FOR_EACH(pos, tmp, head)                                                              \
	for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head);                     \
	     pos = tmp, tmp = pos->next)

#define LIST_ITEM(ptr, type, member) CONTAINER_OF(ptr, type, member)

#endif
