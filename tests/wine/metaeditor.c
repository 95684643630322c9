/* Stands in for metaeditor64.exe: reads /compile:"…" and /log:"…" from its command line as the real one does, writes its log
 * in UTF-16LE and a program beside the source. A file "mode" beside it says how it behaves. Its exit code is always 1: it
 * means nothing. It writes its command line to "called", so that the quoting can be looked at. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static void beside(wchar_t *path, const wchar_t *name) {
    GetModuleFileNameW(NULL, path, MAX_PATH);
    wcscpy(wcsrchr(path, L'\\') + 1, name);
}

/* The value after `key`; only in quotes, as MetaEditor wants it. */
static int value(const wchar_t *key, wchar_t *out) {
    const wchar_t *at = wcsstr(GetCommandLineW(), key);
    if (!at || at[wcslen(key)] != L'"') return 0;
    at += wcslen(key) + 1;
    while (*at && *at != L'"') *out++ = *at++;
    *out = 0;
    return 1;
}

static void write_wide(const wchar_t *path, const wchar_t *text) {
    FILE *file = _wfopen(path, L"wb");
    fwrite("\xFF\xFE", 1, 2, file);
    fwrite(text, sizeof(wchar_t), wcslen(text), file);
    fclose(file);
}

int WINAPI WinMain(HINSTANCE self, HINSTANCE before, LPSTR line, int show) {
    wchar_t path[MAX_PATH], source[MAX_PATH], log[MAX_PATH];
    char mode[32] = "good";
    beside(path, L"called");
    write_wide(path, GetCommandLineW());
    beside(path, L"mode");
    FILE *file = _wfopen(path, L"rb");
    if (file) {
        mode[fread(mode, 1, sizeof mode - 1, file)] = 0;
        fclose(file);
    }
    if (!value(L"/compile:", source) || !value(L"/log:", log)) return 1;
    if (!strcmp(mode, "hangs")) Sleep(600000);
    if (!strcmp(mode, "errors")) {
        write_wide(log, L"C:\\x\\FX-Executor.mq5(12,5) : error 256: undeclared identifier\r\nResult: 1 errors, 0 warnings\r\n");
        return 1;
    }
    if (strcmp(mode, "lies")) {
        wchar_t program[MAX_PATH];
        wcscpy(program, source);
        wcscpy(wcsrchr(program, L'.'), L".ex5");
        file = _wfopen(program, L"wb");
        fprintf(file, "EX5 %lu", GetTickCount());
        fclose(file);
    }
    write_wide(log, L"FX-Executor.mq5 : information: compiling\r\nResult: 0 errors, 2 warnings, 345 msec elapsed\r\n");
    return 1;
}
