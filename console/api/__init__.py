"""The API: what the console shows, for programs, under `/api/v1`. A module a resource.

A caller shows a token (`console.tokens`) or has a session; rights, scope and audit are those of the pages.
"""
