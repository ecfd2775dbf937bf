/*
 * COM1, 115200 baud, whatever the firmware's tables say: one place to look at
 * on any machine. At config/local/serial.h of a private copy.
 */
#ifdef PLATFORM_pcbios
#undef COMCONSOLE
#define COMCONSOLE COM1
#undef COMSPEED
#define COMSPEED 115200
#undef SERIAL_SPCR
#define SERIAL_FIXED
#endif
