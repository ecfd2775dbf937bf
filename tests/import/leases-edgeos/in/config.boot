interfaces {
    ethernet eth0 {
        address 192.168.1.1/24
    }
}
service {
    dhcp-server {
        disabled false
        global-parameters "class &quot;decos&quot; { match if substring (option vendor-class-identifier , 0, 5) = &quot;[IAL]&quot;; }"
        hostfile-update disable
        shared-network-name dhcp1 {
            authoritative enable
            subnet 192.168.1.0/24 {
                default-router 192.168.1.1
                start 192.168.1.100 {
                    stop 192.168.1.199
                }
                static-mapping kube-master {
                    ip-address 192.168.1.201
                    mac-address 52:54:00:00:00:01
                }
                static-mapping kube-worker-1 {
                    ip-address 192.168.1.211
                    mac-address 52:54:00:00:00:11
                    static-mapping-parameters "option domain-name &quot;x&quot;;"
                }
                static-mapping kube-worker-2 {
                    ip-address 192.168.1.212
                    mac-address 52:54:00:00:00:12
                }
                static-mapping node00 {
                    ip-address 192.168.1.250
                    mac-address 00:00:00:00:00:00
                }
                subnet-parameters "filename &quot;/boot.ipxe&quot;;"
                tftp-server-name 192.168.1.250
            }
        }
    }
}
/* Warning: Do not remove the following line. */
