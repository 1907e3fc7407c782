# SPDX-License-Identifier: Apache-2.0
"""A small internet of network namespaces with real mail servers, for the demo and the tests."""
