// The start of the page: styles, reading direction, the app.
import { mount } from 'svelte'
import App from './App.svelte'
import './design/tokens.css'
import './design/base.css'
import { direction, locale } from './i18n'

document.documentElement.lang = locale
document.documentElement.dir = direction

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no place for the app')
mount(App, { target })
