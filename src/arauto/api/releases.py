"""releases: which versions of the project were live, with whose word; another one made live, or taken back."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from arauto.api.access import After, Limit, Reader, ReleasesWriter, TheHub, TheReleasing
from arauto.api.problems import Refused, documented, pointer
from arauto.catalogue import compile_files
from arauto.engine.hub import Hub
from arauto.engine.releases import Applied, Wanted, compile_release, find
from arauto.errors import CatalogueFaulty, NotKept, Overtaken, Unfit
from arauto.model import Catalogue
from arauto.store import ApiKey
from arauto.store.releases import Release

router = APIRouter(prefix="/v1/releases", tags=["releases"], responses=documented(400, 401, 403, 422, 503))

MAX_BODY = 24 * 1024 * 1024
"""Bytes of a call that brings files."""

_FAULTS_TOLD = 200

Version = Annotated[str, Path(min_length=1, max_length=64, description="`live`, a version, or how it begins")]
Replaces = Annotated[
    str | None, Field(max_length=64, description="The version that the caller means to replace; else whichever is live")
]
By = Annotated[str | None, Field(min_length=1, max_length=200, description="Who; else the name of the key")]


class NewRelease(BaseModel):
    """A whole project to be made live."""

    model_config = ConfigDict(extra="forbid", strict=True)

    files: dict[str, str] = Field(min_length=1, max_length=20_000, description="In base64, by name within the folder")
    replaces: Replaces = None
    plan: dict[str, Any] | None = Field(
        None, description="What `arauto plan --json` wrote: it is kept with the release, and must be of these versions"
    )
    by: By = None
    dry_run: bool = Field(False, description="Only say whether it would be taken")


class Back(BaseModel):
    """An earlier version to be made live again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    replaces: Replaces = None
    by: By = None
    dry_run: bool = Field(False, description="Only say whether it would be taken")


class ReleaseView(BaseModel):
    """A version that was made live."""

    number: int
    version: str
    at: str
    by: str
    how: Literal["serve", "apply", "rollback"]
    replaces: str | None = Field(description="The version that was live before")
    live: bool
    kept: bool = Field(description="Its files are there: it can be taken back")


class ReleaseShown(ReleaseView):
    """A release with all that is known of it."""

    plan: dict[str, Any] | None = Field(description="What was shown of its consequences beforehand")
    serving: str = Field(description="The version that this hub serves now")
    behind: str | None = Field(description="Why this hub can't serve the live version")


class ReleasePage(BaseModel):
    """A page of releases, newest first."""

    items: list[ReleaseView]
    next: str | None


class ReleaseFiles(BaseModel):
    """The files of a version."""

    version: str
    files: dict[str, str] = Field(description="In base64, by name within the folder")


class AppliedView(BaseModel):
    """What came of it. When it was applied, this hub has taken it over already."""

    outcome: Literal["applied", "same", "possible"] = Field(
        description="`same`: it was live already; `possible`: it was only tried"
    )
    version: str
    replaces: str | None = Field(description="The version that was live")
    release: ReleaseView | None = Field(description="The live release; null after a trial")


@router.get("", summary="List releases")
async def list_releases(hub: TheHub, key: Reader, after: After = None, limit: Limit = 50) -> ReleasePage:
    page = await hub.store.releases(after=after, limit=limit)
    live = await hub.store.live_release()
    return ReleasePage(items=[_view(each, live) for each in page.items], next=page.next)


@router.post("", summary="Make a version live", responses=documented(409, 413, 415))
async def apply(hub: TheHub, releasing: TheReleasing, key: ReleasesWriter, body: NewRelease) -> AppliedView:
    try:
        catalogue = await asyncio.to_thread(_compiled, body.files)
        _check_plan(body, catalogue)
        by = _who(body.by, key)
        wanted = Wanted(catalogue=catalogue, by=by, how="apply", expected=body.replaces, plan=body.plan)
        return _applied(await releasing.apply(wanted, dry_run=body.dry_run))
    except (CatalogueFaulty, Unfit, Overtaken) as error:
        raise _refused(error) from None


@router.get("/{version}", summary="Show a release", responses=documented(404, 409))
async def show_release(hub: TheHub, releasing: TheReleasing, key: Reader, version: Version) -> ReleaseShown:
    release = await hub.store.release(await _find(hub, version))
    live = await hub.store.live_release()
    assert release is not None
    return ReleaseShown(
        **_view(release, live).model_dump(),
        plan=release.plan,
        serving=hub.engine.catalogue.version,
        behind=releasing.behind.reason if releasing.behind else None,
    )


@router.get("/{version}/files", summary="The files of a version", responses=documented(404, 409))
async def release_files(hub: TheHub, key: ReleasesWriter, version: Version) -> ReleaseFiles:
    found = await _find(hub, version)
    files = await hub.store.release_files(found)
    if files is None:
        raise Refused(409, "not_kept", f"of the version {found} the files are not kept any more")
    return ReleaseFiles(version=found, files=await asyncio.to_thread(_encoded, files))


@router.post("/{version}/rollback", summary="Take a version back", responses=documented(404, 409, 413, 415))
async def rollback(
    hub: TheHub, releasing: TheReleasing, key: ReleasesWriter, version: Version, body: Back | None = None
) -> AppliedView:
    asked = Back.model_validate({}) if body is None else body
    found = await _find(hub, version)
    try:
        catalogue = await compile_release(hub.store, found)
        wanted = Wanted(catalogue=catalogue, by=_who(asked.by, key), how="rollback", expected=asked.replaces)
        return _applied(await releasing.apply(wanted, dry_run=asked.dry_run))
    except (CatalogueFaulty, Unfit, Overtaken, NotKept) as error:
        raise _refused(error) from None


async def _find(hub: Hub, version: str) -> str:
    """The version that is named, or begins, like this."""
    found = await find(hub.store, version)
    if isinstance(found, str):
        return found
    if not found:
        raise Refused(
            404,
            "unknown_release",
            f"no version {version[:64]!r} was ever live; GET /v1/releases (arauto releases list) lists them",
        )
    raise Refused(409, "ambiguous_release", f"several versions begin like this: {', '.join(found[:10])}")


def _check_plan(body: NewRelease, catalogue: Catalogue) -> None:
    """What was looked at is what goes live."""
    if body.plan is None:
        return
    looked_at = body.plan.get("from"), body.plan.get("to")
    if looked_at != (body.replaces, catalogue.version):
        detail = (
            f"the plan is of {looked_at[0]!r} to {looked_at[1]!r}, and not of {body.replaces!r} (replaces) to "
            f"{catalogue.version!r} (these files); plan again: arauto plan DIR"
        )
        raise Refused(409, "other_plan", detail[:1000])


def _who(by: str | None, key: ApiKey) -> str:
    """The command line of this machine is believed; others have their key beside their name."""
    if by is None:
        return key.name
    return by if key.id == "session" else f"{by} (key {key.name})"


def _compiled(files: Mapping[str, str]) -> Catalogue:
    return compile_files(_decoded(files))


def _decoded(files: Mapping[str, str]) -> dict[str, bytes]:
    decoded: dict[str, bytes] = {}
    for name, text in files.items():
        try:
            decoded[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            errors = [{"pointer": pointer("files", name), "detail": "is not base64"}]
            raise Refused(422, "invalid_request", "a file is not base64", errors=errors) from None
    return decoded


def _encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(raw).decode() for name, raw in files.items()}


def _refused(error: CatalogueFaulty | Unfit | Overtaken | NotKept) -> Refused:
    match error:
        case CatalogueFaulty():
            errors = [
                {
                    "pointer": pointer("files", fault.file),
                    "detail": f"{fault.line}:{fault.column} {fault.code} {fault.message}",
                }
                for fault in error.diagnostics[:_FAULTS_TOLD]
            ]
            detail = f"the project has {len(error.diagnostics)} faults, so nothing was changed; see: arauto check DIR"
            return Refused(422, "project_faulty", detail, errors=errors)
        case Unfit():
            errors = [{"pointer": "", "detail": reason} for reason in error.reasons]
            detail = f"this hub cannot serve the version, so nothing was changed: {error.said}"
            return Refused(422, "cannot_serve", detail, errors=errors)
        case Overtaken():
            return Refused(409, "release_conflict", str(error))
        case NotKept():
            return Refused(409, "not_kept", str(error))


def _applied(applied: Applied) -> AppliedView:
    return AppliedView(
        outcome=applied.outcome,
        version=applied.version,
        replaces=applied.replaces,
        release=None if applied.release is None else _view(applied.release, applied.release),
    )


def _view(release: Release, live: Release | None) -> ReleaseView:
    return ReleaseView(
        number=release.number,
        version=release.version,
        at=release.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        by=release.by,
        how=release.how,
        replaces=release.replaces,
        live=live is not None and live.number == release.number,
        kept=release.kept,
    )
