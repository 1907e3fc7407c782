/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_feed: messages that still wait in the queue, told to the attribution as if a log had said
 * it: the queue knows who sent them even when the log is gone. Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_FEED_H
#define DOCTOR_QUEUE_FEED_H

#include "core/attribution.h"
#include "doctor/queue_list.h"

/**
 * Add what the logs do not have. After them, and before attribution_end.
 *
 * @param file  The number under which the evidence names the queue.
 * @return Messages that were added.
 */
size_t queue_feed(struct attribution *a, const struct queue_list *l, uint32_t file);

#endif
