/*
 * What images of ipxe-embed can do, and nothing else.
 *
 * Lies at config/local/general.h of a private copy of an iPXE tree, so it is
 * read after config/general.h. EMBED_HTTP and EMBED_SHELL come from site.h,
 * which is written for each copy from what the site asks for.
 */
#include <config/local/site.h>

/* Networks. STP and LACP stay: they tell when a port of a switch or of a bond
 * really forwards, without them DHCP gives up too early on such ports. */
#undef NET_PROTO_EAPOL
#undef EAP_METHOD_MD5
#undef NET_PROTO_LLDP
#undef VNIC_IPOIB
#undef CRYPTO_80211_WEP
#undef CRYPTO_80211_WPA
#undef CRYPTO_80211_WPA2

/* A site file can not speak of IPv6 yet. Off, a stray router advertisement
 * can not give the machine a route or a name server, and an AAAA record can
 * not cost a time-out. */
#undef NET_PROTO_IPV6

/* Downloads. TFTP and FILE would fetch autoexec.ipxe, which nobody verifies,
 * before the baked script runs (interface/efi/efi_autoexec.c). */
#undef DOWNLOAD_PROTO_TFTP
#undef DOWNLOAD_PROTO_FILE
#undef DOWNLOAD_PROTO_FTP
#undef DOWNLOAD_PROTO_NFS
#undef DOWNLOAD_PROTO_SLAM
#undef DOWNLOAD_PROTO_HTTPS
#define DOWNLOAD_PROTO_HTTPS
#undef DOWNLOAD_PROTO_HTTP
#ifdef EMBED_HTTP
#define DOWNLOAD_PROTO_HTTP
#endif
#undef HTTP_AUTH_BASIC
#undef HTTP_AUTH_DIGEST
#undef HTTP_AUTH_NTLM

/* SAN boot is here for the local disk only. */
#undef SANBOOT_PROTO_AOE
#undef SANBOOT_PROTO_FCP
#undef SANBOOT_PROTO_HTTP
#undef SANBOOT_PROTO_IB_SRP
#undef SANBOOT_PROTO_ISCSI

/* Commands that the boot script uses, off by default on some platform. */
#undef DIGEST_CMD
#define DIGEST_CMD
#undef IMAGE_TRUST_CMD
#define IMAGE_TRUST_CMD
#undef NTP_CMD
#define NTP_CMD
#undef VLAN_CMD
#define VLAN_CMD

/* Commands that it does not use. */
#undef AUTOBOOT_CMD
#undef CERT_CMD
#undef CONFIG_CMD
#undef CONSOLE_CMD
#undef CPUID_CMD
#undef FCMGMT_CMD
#undef FDT_CMD
#undef FORM_CMD
#undef IBMGMT_CMD
#undef IMAGE_ARCHIVE_CMD
#undef IWMGMT_CMD
#undef LOGIN_CMD
#undef PARAM_CMD
#undef PCI_CMD
#undef ROUTE_CMD
#undef SHIM_CMD
#undef SYNC_CMD
#undef USB_CMD

/* A shell is whole only together with no time to press Ctrl-B: with a
 * BANNER_TIMEOUT, usr/autoboot.c itself calls shell(). */
#undef SHELL_CMD
#ifdef EMBED_SHELL
#define SHELL_CMD
#endif
#undef BANNER_TIMEOUT
#define BANNER_TIMEOUT 0
#undef ROM_BANNER_TIMEOUT
#define ROM_BANNER_TIMEOUT 0

/* Image types. IMAGE_PXE would take any file for a program; it stays linked
 * as long as PXE_STACK is on. */
#undef IMAGE_ELF
#undef IMAGE_MULTIBOOT
#undef IMAGE_PXE
#undef IMAGE_PNG
#undef IMAGE_EFISIG
#undef PXE_MENU
#undef PXE_STACK

/* Certificates come from the image, not from the firmware. */
#undef CERTS_EFI
