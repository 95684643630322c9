/* What a person and Windows do to the program's window, from outside, for tests/wine/windows:
 *
 *   windows.exe minimize TITLE      minimizes the window of this title
 *   windows.exe state TITLE         says "minimized", "hidden" or "shown"
 *   windows.exe started TITLE       tells it that Explorer started
 *   windows.exe front TITLE         says whether it is the one in front
 *   windows.exe send TITLE MESSAGE FIRST SECOND    sends it a message (numbers), says its answer and the milliseconds it took
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

int main(int count, char **words) {
    HWND window;
    if (count < 3) return 2;
    window = FindWindowA(NULL, words[2]);
    if (!window) {
        puts("none");
        return 1;
    }
    if (!strcmp(words[1], "minimize")) {
        ShowWindow(window, SW_MINIMIZE);
        puts(IsIconic(window) ? "minimized" : "shown");
    } else if (!strcmp(words[1], "state")) {
        puts(!IsWindowVisible(window) ? "hidden" : IsIconic(window) ? "minimized" : "shown");
    } else if (!strcmp(words[1], "started")) {
        SendMessageA(window, RegisterWindowMessageA("TaskbarCreated"), 0, 0);
        puts("told");
    } else if (!strcmp(words[1], "front")) {
        puts(GetForegroundWindow() == window ? "front" : "behind");
    } else if (!strcmp(words[1], "send") && count == 6) {
        ULONGLONG began = GetTickCount64();
        LRESULT answer = SendMessageA(window, strtoul(words[3], NULL, 0), strtoul(words[4], NULL, 0), strtol(words[5], NULL, 0));
        printf("answer %d within %d ms\n", (int)answer, (int)(GetTickCount64() - began));
    } else {
        return 2;
    }
    return 0;
}
