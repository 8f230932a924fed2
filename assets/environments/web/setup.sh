echo LANG=C.UTF-8 >/etc/default/locale
a2enconf -q zap
a2dismod -q -f status
