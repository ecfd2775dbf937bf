/*
 * USB network cards yes, USB sticks no: a local disk boots through the
 * firmware. At config/local/usb.h of a private copy.
 */
#undef USB_BLOCK
