/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_routes: the table. web/openapi.json says the same to others. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "base/poison.h"

const struct route api_routes[] = {
	{HTTP_GET, "/openapi.json", ACCESS_ANY, openapi_get},
	{HTTP_POST, "/login", ACCESS_ANY, auth_login},
	{HTTP_POST, "/logout", ACCESS_OWNER, auth_logout},
	{HTTP_GET, "/session", ACCESS_CASE, auth_session},
	{HTTP_GET, "/status", ACCESS_VIEWER, status_get},
	{HTTP_GET, "/networks", ACCESS_VIEWER, networks_list},
	{HTTP_GET, "/sources", ACCESS_OWNER, sources_get_list},
	{HTTP_GET, "/sources/{source}", ACCESS_OWNER, sources_get_one},
	{HTTP_GET, "/cases", ACCESS_CASE, cases_get_list},
	{HTTP_GET, "/cases/{id}", ACCESS_CASE, cases_get_one},
	{HTTP_POST, "/cases/{id}/acknowledge", ACCESS_CASE, cases_post_ack},
	{HTTP_POST, "/cases/{id}/fixing", ACCESS_OWNER, cases_post_fixing},
	{HTTP_POST, "/cases/{id}/notes", ACCESS_OWNER, cases_post_note},
	{HTTP_POST, "/cases/{id}/assign", ACCESS_STAFF, cases_post_assign},
	{HTTP_POST, "/cases/{id}/close", ACCESS_STAFF, cases_post_close},
	{HTTP_POST, "/cases/{id}/unblock", ACCESS_OWNER, cases_post_unblock},
	{HTTP_GET, "/messages", ACCESS_CASE, messages_get_list},
	{HTTP_GET, "/messages/{id}", ACCESS_CASE, messages_get_one},
	{HTTP_GET, "/evidence", ACCESS_CASE, evidence_get_list},
	{HTTP_GET, "/doctor-reports", ACCESS_OWNER, reports_get_list},
	{HTTP_POST, "/doctor-reports", ACCESS_REPORT, reports_post},
	{HTTP_GET, "/orders", ACCESS_VIEWER, orders_get_list},
	{HTTP_POST, "/orders", ACCESS_STAFF, orders_post},
	{HTTP_GET, "/orders/{id}", ACCESS_VIEWER, orders_get_one},
	{HTTP_POST, "/brake/lift", ACCESS_STAFF, brake_post_lift},
	{HTTP_GET, "/audit", ACCESS_STAFF, audit_get},
	{HTTP_GET, "/tokens", ACCESS_STAFF, tokens_get_list},
	{HTTP_POST, "/tokens", ACCESS_STAFF, tokens_post},
	{HTTP_DELETE, "/tokens/{id}", ACCESS_STAFF, tokens_delete},
	{HTTP_GET, "/events", ACCESS_VIEWER, events_get},
};
const size_t api_route_count = COUNT_OF(api_routes);
