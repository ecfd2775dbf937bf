/*
 * Where people see what happens. At config/local/console.h of a private copy.
 */

/* The console of the firmware is always there. Under UEFI it reaches the
 * serial port when the firmware is set up so, and a second writer would then
 * show every character twice; a BIOS needs our own. */
#ifdef PLATFORM_pcbios
#define CONSOLE_SERIAL
#endif

/* Nothing leaves the machine. */
#undef CONSOLE_SYSLOG
#undef CONSOLE_SYSLOGS

/* No picture is ever shown. */
#undef CONSOLE_FRAMEBUFFER
