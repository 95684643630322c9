/* Stands in for terminal64.exe: writes its command line to "started" and stays until "end" appears beside it. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static void beside(wchar_t *path, const wchar_t *name) {
    GetModuleFileNameW(NULL, path, MAX_PATH);
    wcscpy(wcsrchr(path, L'\\') + 1, name);
}

int WINAPI WinMain(HINSTANCE self, HINSTANCE before, LPSTR line, int show) {
    wchar_t path[MAX_PATH], part[MAX_PATH];
    beside(part, L"started.part");
    beside(path, L"started");
    FILE *file = _wfopen(part, L"wb");
    fputs(GetCommandLineA(), file);
    fclose(file);
    _wrename(part, path);
    beside(path, L"end");
    for (int look = 0; look < 600 && GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES; look++) Sleep(100);
    return 0;
}
