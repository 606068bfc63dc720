// Calendar arithmetic: day numbers, weekdays, leap years, differences, strftime and mktime in UTC.
#include <stdio.h>
#include <string.h>
#include <time.h>

static int leap(int y) { return (y % 4 == 0 && y % 100) || y % 400 == 0; }

// Days since 1970-01-01 with March as the first month of the year.
static long days(int y, int m, int d) {
    y -= m <= 2;
    long era = (y >= 0 ? y : y - 399) / 400;
    long year = y - era * 400, day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static void civil(long n, int *y, int *m, int *d) {
    n += 719468;
    long era = (n >= 0 ? n : n - 146096) / 146097, day = n - era * 146097;
    long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    long month = (5 * day + 2) / 153;
    *d = (int)(day - (153 * month + 2) / 5 + 1);
    *m = (int)(month < 10 ? month + 3 : month - 9);
    *y = (int)(year + era * 400) + (*m <= 2);
}

int main(void) {
    static const int dates[][3] = {{1970, 1, 1}, {2000, 2, 29}, {1969, 7, 20}, {2038, 1, 19}, {1600, 12, 31}, {9999, 12, 31}};
    static const char *const names[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    for (int i = 0; i < 6; i++) {
        long n = days(dates[i][0], dates[i][1], dates[i][2]);
        printf("%04d-%02d-%02d %s %ld leap %d\n", dates[i][0], dates[i][1], dates[i][2],
               names[(n % 7 + 7) % 7], n, leap(dates[i][0]));
    }
    unsigned wrong = 0;
    for (long n = -800000; n < 1200000; n += 317) {
        int y, m, d;
        civil(n, &y, &m, &d);
        wrong += days(y, m, d) != n;
    }
    printf("wrong %u\n", wrong);
    static const time_t times[] = {0, 951782400, 2147483647, -1, 1704067199};
    for (int i = 0; i < 5; i++) {
        char text[64];
        struct tm tm;
        gmtime_r(&times[i], &tm);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j %U", &tm);
        printf("%s | %ld\n", text, (long)days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
    }
    struct tm odd;
    memset(&odd, 0, sizeof odd);
    odd.tm_year = 124, odd.tm_mon = 13, odd.tm_mday = 31;
    mktime(&odd);
    printf("%d %d %d weekday %d\n", odd.tm_year, odd.tm_mon, odd.tm_mday, odd.tm_wday);
    return 0;
}
