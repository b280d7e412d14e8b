;;; weir-mode.el --- Weir policies -*- lexical-binding: t -*-

;; (load "weir-mode") in the init file; needs Emacs 29, which has eglot.

;;; Code:

(define-derived-mode weir-mode prog-mode "Weir"
  "Policies of bot management and fraud prevention."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+ *")
  (setq-local indent-tabs-mode nil)
  (setq-local tab-width 2)
  (modify-syntax-entry ?# "<" weir-mode-syntax-table)
  (modify-syntax-entry ?\n ">" weir-mode-syntax-table)
  (modify-syntax-entry ?- "_" weir-mode-syntax-table))

(add-to-list 'auto-mode-alist '("\\.weir\\'" . weir-mode))
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(weir-mode . ("weir" "lsp"))))
(add-hook 'weir-mode-hook #'eglot-ensure)

(provide 'weir-mode)
;;; weir-mode.el ends here
