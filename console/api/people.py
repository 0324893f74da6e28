"""Who is signed in, the audit trail, and what auditors looked up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.access import Auditing, CoreOf, SignedIn
from console.accounts.accesses import latest_accesses
from console.api.models import AccessPage, AccessRow, AuditPage, AuditRow, Me
from console.problems import RESPONSES
from console.queries import audit_rows

router = APIRouter(tags=["people"], responses=RESPONSES)

Before = Annotated[int | None, Query(ge=0, le=2**62, description="Rows before this one")]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/api/me")
def get_me(caller: SignedIn) -> Me:
    """Who the caller is, and the CSRF token of their session."""
    user, session = caller.user, caller.session
    return Me(
        name=user.name,
        role=user.role,
        agency=user.agency,
        districts=list(user.districts),
        csrf=session.csrf if session is not None else None,
        expires_at=session.expires_at if session is not None else None,
    )


@router.get("/api/audit")
def get_audit(caller: Auditing, core: CoreOf, cursor: Before = None, limit: Limit = 100) -> AuditPage:
    """The store's audit trail, newest first. For auditors and admins."""
    with core.database.read.connect() as connection:
        rows = [AuditRow.model_validate(row) for row in audit_rows(connection, cursor, limit)]
    return AuditPage(rows=rows, next=rows[-1].seq if len(rows) == limit else None)


@router.get("/api/accesses")
def get_accesses(caller: Auditing, core: CoreOf, cursor: Before = None, limit: Limit = 100) -> AccessPage:
    """Who looked up who reported, when and why, newest first. For auditors and admins."""
    rows = [AccessRow.model_validate(row) for row in latest_accesses(core.database.read, limit, cursor)]
    return AccessPage(rows=rows, next=rows[-1].access_id if len(rows) == limit else None)
