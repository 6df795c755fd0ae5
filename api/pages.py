"""The console's built files, and for every address inside the console its one page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from agent_console import STATIC_DIR

NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>控制台未构建</title></head>
<body><h1>控制台未构建</h1>
<p>服务已在运行，但座席控制台的页面文件还没有生成。请在安装目录执行：</p>
<pre>python -m pip install --force-reinstall --no-deps .</pre>
<p>在源码目录中可执行：</p>
<pre>make console</pre>
<p>部件状态见 <a href="/healthz">/healthz</a>。</p>
</body></html>
"""

OURS = ("api/", "healthz", "openapi.json")
"""Addresses of the server itself: an unknown one is an error, never the console."""


def console_router(folder: Path = STATIC_DIR) -> APIRouter:
    """Included last. Looks at the folder at every request, so a build needs no restart."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles(directory=folder, check_dir=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def console(request: Request, path: str) -> Response:
        if path.startswith(OURS):
            raise HTTPException(404, "no such address")
        page = folder / "index.html"
        if not page.is_file():
            return HTMLResponse(NOT_BUILT, status_code=503)
        if path and path != "index.html":
            try:
                found = await files.get_response(path, request.scope)
            except HTTPException as error:
                if error.status_code != 404 or _names_a_file(path):
                    raise
            else:
                lasting = path.startswith("assets/")
                found.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
                return found
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    return router


def _names_a_file(path: str) -> bool:
    return path.startswith("assets/") or "." in path.rpartition("/")[2]


def build_id(folder: Path = STATIC_DIR) -> str:
    """What the build wrote of itself; empty where it wrote nothing. A console of another build reloads."""
    try:
        return (folder / ".build-id").read_text(encoding="ascii").strip()[:64]
    except (OSError, UnicodeDecodeError):
        return ""
