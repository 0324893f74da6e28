"""Who is signed in, the audit trail, and what auditors looked up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.access import Auditing, CoreOf, SignedIn
from console.accounts.accesses import latest_accesses
from console.api.models import AccessPage, AccessRow, AuditPage, AuditRow, Me
from console.openapi import refusals
from console.queries import audit_rows

router = APIRouter(tags=["people"])

Before = Annotated[int | None, Query(ge=0, le=2**62, description="`next` of the answer before: rows before this one")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows in one answer")]


@router.get("/api/me", response_description="The caller", responses=refusals(401, 503))
def get_me(caller: SignedIn) -> Me:
    """Who the caller is, with the CSRF token of their session."""
    user, session = caller.user, caller.session
    return Me(
        name=user.name,
        role=user.role,
        agency=user.agency,
        districts=list(user.districts),
        csrf=session.csrf if session is not None else None,
        expires_at=session.expires_at if session is not None else None,
    )


@router.get("/api/audit", response_description="A page of rows", responses=refusals(401, 403, 422, 503))
def get_audit(caller: Auditing, core: CoreOf, cursor: Before = None, limit: Limit = 100) -> AuditPage:
    """The store's audit trail, newest first."""
    with core.database.read.connect() as connection:
        rows = [AuditRow.model_validate(row) for row in audit_rows(connection, cursor, limit)]
    return AuditPage(rows=rows, next=rows[-1].seq if len(rows) == limit else None)


@router.get("/api/accesses", response_description="A page of looks", responses=refusals(401, 403, 422, 503))
def get_accesses(caller: Auditing, core: CoreOf, cursor: Before = None, limit: Limit = 100) -> AccessPage:
    """Who looked up who reported, when and why, newest first."""
    rows = [AccessRow.model_validate(row) for row in latest_accesses(core.database.read, limit, cursor)]
    return AccessPage(rows=rows, next=rows[-1].access_id if len(rows) == limit else None)
